#include "cpu/encode_kernels.h"
#include "cpu/vec_avx2.h"

namespace coxswain::cpu {

const EncodeKernels kEncodeAvx2 = EncodeLoops<VecAvx2>::table();

}  // namespace coxswain::cpu
