#include "cpu/steer_kernels.h"
#include "cpu/vec_avx512.h"

namespace coxswain::cpu {

const SteerKernels kSteerAvx512 = SteerLoops<VecAvx512>::table();

}  // namespace coxswain::cpu
