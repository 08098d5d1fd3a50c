#include "cpu/train_kernels.h"
#include "cpu/vec_avx2.h"

namespace coxswain::cpu {

const TrainKernels kTrainAvx2 = TrainLoops<VecAvx2>::table();

}  // namespace coxswain::cpu
