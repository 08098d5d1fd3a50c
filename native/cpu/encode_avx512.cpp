#include "cpu/encode_kernels.h"
#include "cpu/vec_avx512.h"

namespace coxswain::cpu {

const EncodeKernels kEncodeAvx512 = EncodeLoops<VecAvx512>::table();

}  // namespace coxswain::cpu
