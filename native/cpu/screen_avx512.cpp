#include "cpu/screen_kernels.h"
#include "cpu/vec_avx512.h"

namespace coxswain::cpu {

const ScreenKernels kScreenAvx512 = ScreenLoops<VecAvx512, 12, 2>::table();

}  // namespace coxswain::cpu
