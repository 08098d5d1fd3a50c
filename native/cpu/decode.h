// Active features to hidden states (math.md, decode).
#pragma once

#include <cstdint>

#include "cpu/decode_kernels.h"
#include "cpu/device.h"

namespace coxswain::cpu {

struct Decoder {
  const float* w;  // [F, d]
  const float* b;  // [d]
  int64_t features;
  int64_t d;
  bool normalized;  // whether the rows' normalisation is undone
};

struct DecodeCall {
  const float* values;         // [rows, places]
  const int32_t* indices;      // [rows, places]; −1 where there is no feature
  const float* normalization;  // [rows, 2]
  int64_t places;
  int64_t rows;
  void* xHat;  // [rows, d] of dtype
  Dtype dtype;
};

/**
 * Accumulates each row's features in ascending index. Returns the elements clamped to the largest finite
 * value. Throws InvalidData where an index is not in [−1, F).
 */
int64_t decode(Device& device, const Decoder& decoder, const DecodeCall& call);

}  // namespace coxswain::cpu
