#include "cpu/screen_kernels.h"
#include "cpu/vec_avx2.h"

namespace coxswain::cpu {

const ScreenKernels kScreenAvx2 = ScreenLoops<VecAvx2, 6, 1>::table();

}  // namespace coxswain::cpu
