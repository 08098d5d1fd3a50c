// Running log-sum-exps in double, the bits of native/cpu/explain_kernels.h.
#pragma once

#include "common/math.cuh"
#include "common/reduce.cuh"

namespace coxswain {

/** log Σ = max + log(sum). Aligned, so that one access brings both. */
struct __align__(16) LogSum {
  double max;
  double sum;
};

/** total ← total and part; order matters to the last bit. exp(0) is exactly 1. */
__device__ __forceinline__ void merge(LogSum& total, LogSum part) {
  const double max = fmax(total.max, part.max);
  total.sum = total.sum * expOf(total.max - max) + part.sum * expOf(part.max - max);
  total.max = max;
}

__device__ __forceinline__ double shuffleXor(double v, int offset) {
  return __shfl_xor_sync(kAllLanes, v, offset);
}

/**
 * Of the 128 logits l, l + 32, l + 64, l + 96 that lane l holds, over a temperature; absent ones are −∞. A
 * lane adds its own in this order, then lanes are added by halves. All lanes get it. A maximum of 0 is +0.
 */
__device__ __forceinline__ LogSum logSumOf(const float (&logits)[4], double temperature) {
  float largest = fmaxf(fmaxf(logits[0], logits[1]), fmaxf(logits[2], logits[3]));
#pragma unroll
  for (int o = 16; o > 0; o /= 2) largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, o));
  const double max = over(largest, temperature) + 0.0;
  double sum = expOf(over(logits[0], temperature) - max);
#pragma unroll
  for (int m = 1; m < 4; ++m) sum = sum + expOf(over(logits[m], temperature) - max);
#pragma unroll
  for (int o = 16; o > 0; o /= 2) sum = sum + shuffleXor(sum, o);
  return {max, sum};
}

}  // namespace coxswain
