#include "cpu/steer_kernels.h"
#include "cpu/vec_portable.h"

namespace coxswain::cpu {

const SteerKernels kSteerPortable = SteerLoops<VecPortable>::table();

}  // namespace coxswain::cpu
