// Matrix products of column-major matrices: C = alpha op(A) op(B) + beta C, accumulated in float32.
#pragma once

#include <cstdint>

#include "blas_abi.h"

namespace softcuda {

struct Matrix {
  uint64_t address = 0;  // device
  int type = CUDA_R_32F;
  int64_t leading = 0, stride = 0;  // elements from column to column, from one of a batch to the next
};

struct Gemm {
  bool transposeA = false, transposeB = false;
  int64_t m = 0, n = 0, k = 0, batch = 1;
  Matrix a, b, c;
  float alpha = 0, beta = 0;
  uint64_t alphaAddress = 0, betaAddress = 0;  // not 0: read there when the product is computed
  int roundInputsTo = CUDA_R_32F;  // the tensor cores' input type where it is narrower; roundTf32 too
  uint64_t seed = 0;               // 0: every sum from the first term to the last
};
constexpr int roundTf32 = -1;

// Checks its memory, computes, writes; runs inside softcudaEnqueue.
CUresult compute(const Gemm&);

float readElement(uint64_t address, int type);
void writeElement(uint64_t address, int type, float value);
int64_t elementBytes(int type);

}  // namespace softcuda
