#include "cpu/train_kernels.h"
#include "cpu/vec_avx512.h"

namespace coxswain::cpu {

const TrainKernels kTrainAvx512 = TrainLoops<VecAvx512>::table();

}  // namespace coxswain::cpu
