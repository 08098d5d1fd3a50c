#include "cpu/decode_kernels.h"
#include "cpu/vec_avx512.h"

namespace coxswain::cpu {

const DecodeKernels kDecodeAvx512 = DecodeLoops<VecAvx512>::table();

}  // namespace coxswain::cpu
