#include "cpu/explain_kernels.h"
#include "cpu/vec_portable.h"

namespace coxswain::cpu {

const ExplainKernels kExplainPortable = ExplainLoops<VecPortable>::table();

}  // namespace coxswain::cpu
