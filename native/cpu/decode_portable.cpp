#include "cpu/decode_kernels.h"
#include "cpu/vec_portable.h"

namespace coxswain::cpu {

const DecodeKernels kDecodePortable = DecodeLoops<VecPortable>::table();

}  // namespace coxswain::cpu
