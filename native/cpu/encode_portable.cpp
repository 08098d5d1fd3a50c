#include "cpu/encode_kernels.h"
#include "cpu/vec_portable.h"

namespace coxswain::cpu {

const EncodeKernels kEncodePortable = EncodeLoops<VecPortable>::table();

}  // namespace coxswain::cpu
