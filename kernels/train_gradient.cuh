// What a feature's gradients are made of, for the kernels that sum them.
#pragma once

#include <cstdint>

#include "train.cuh"

namespace coxswain {

/** What the gradients of a feature are made of. */
struct TrainGradientArgs {
  const float* x;         // [rows, d]
  const float* bDec;      // [d]
  const float* error;     // [rows, d]
  const float* auxError;  // [rows, d]; unused where sums->aux is 0, as auxPairs
  int64_t d;
  const int64_t* sinceFired;  // [F]
  int64_t deadAfter;
  TrainPairs pairs;
  TrainPairs auxPairs;
  TrainHot hot;
  const TrainSums* sums;
};

/** A feature's pairs [from, to). */
struct Range {
  int64_t from = 0;
  int64_t to = 0;
};

/** A feature at work: its pairs, the numbers they are scaled by. */
struct Feature {
  Range main;
  Range aux;
  bool hasAux;  // dead, and AuxK at work
  float scale;
  float auxScale;

  __device__ Feature(const TrainGradientArgs& args, int64_t f)
      : main{args.pairs.begin[f], args.pairs.begin[f + 1]},
        hasAux(args.sums->aux != 0 && args.sinceFired[f] >= args.deadAfter),
        scale(static_cast<float>(args.sums->scale)),
        auxScale(static_cast<float>(args.sums->auxScale)) {
    if (hasAux) aux = {args.auxPairs.begin[f], args.auxPairs.begin[f + 1]};
  }
};

__device__ __forceinline__ float sumSlopes(const float* dz, Range range) {
  float sum = 0.0f;
#pragma unroll 8
  for (int64_t j = range.from; j < range.to; ++j) sum = __fadd_rn(sum, dz[j]);
  return sum;
}

/** ∂loss/∂b_enc[f]. */
__device__ __forceinline__ float biasGradient(const TrainGradientArgs& args, const Feature& feature) {
  const float main = sumSlopes(args.pairs.dz, feature.main);
  return __fadd_rn(main, feature.hasAux ? sumSlopes(args.auxPairs.dz, feature.aux) : 0.0f);
}

}  // namespace coxswain
