#include "cpu/train_kernels.h"
#include "cpu/vec_portable.h"

namespace coxswain::cpu {

const TrainKernels kTrainPortable = TrainLoops<VecPortable>::table();

}  // namespace coxswain::cpu
