#include "cpu/decode_kernels.h"
#include "cpu/vec_avx2.h"

namespace coxswain::cpu {

const DecodeKernels kDecodeAvx2 = DecodeLoops<VecAvx2>::table();

}  // namespace coxswain::cpu
