#include "cpu/screen_kernels.h"
#include "cpu/vec_portable.h"

namespace coxswain::cpu {

const ScreenKernels kScreenPortable = ScreenLoops<VecPortable, 4, 1>::table();

}  // namespace coxswain::cpu
