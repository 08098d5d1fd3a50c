// What a cublasHandle_t stands for.
#pragma once

#include <memory>

#include "blas_abi.h"

namespace softcuda {

struct BlasHandle {
  CUcontext context = nullptr;
  CUstream stream = nullptr;
  int pointerMode = CUBLAS_POINTER_MODE_HOST, mathMode = CUBLAS_DEFAULT_MATH, atomicsMode = 0, smTarget = 0;
  uint64_t calls = 0;  // of work queued with it; seeds a random order of summation
};

std::shared_ptr<BlasHandle> findHandle(cublasHandle_t);  // null: no live handle

}  // namespace softcuda
