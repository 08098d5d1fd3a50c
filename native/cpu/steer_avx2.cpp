#include "cpu/steer_kernels.h"
#include "cpu/vec_avx2.h"

namespace coxswain::cpu {

const SteerKernels kSteerAvx2 = SteerLoops<VecAvx2>::table();

}  // namespace coxswain::cpu
