#include "cpu/explain_kernels.h"
#include "cpu/vec_avx512.h"

namespace coxswain::cpu {

const ExplainKernels kExplainAvx512 = ExplainLoops<VecAvx512>::table();

}  // namespace coxswain::cpu
