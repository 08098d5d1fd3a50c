#include "cpu/explain_kernels.h"
#include "cpu/vec_avx2.h"

namespace coxswain::cpu {

const ExplainKernels kExplainAvx2 = ExplainLoops<VecAvx2>::table();

}  // namespace coxswain::cpu
