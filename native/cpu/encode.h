// Hidden states to active features (math.md, encode).
#pragma once

#include <cstdint>

#include "cpu/device.h"
#include "cpu/encode_kernels.h"

namespace coxswain::cpu {

/** Numbers as in Activation.java. */
enum class Activation : int { kTopK = 0, kRelu = 1, kJumpRelu = 2 };

struct Encoder {
  const float* w;          // [F, d]
  const float* b;          // [F]
  const float* subtract;   // [d] or null
  const float* threshold;  // [F] or null
  int64_t features;
  int64_t d;
  Activation activation;
  int64_t k;  // for kTopK
  Normalization normalization;
};

struct EncodeCall {
  const void* x;  // [rows, d] of dtype
  Dtype dtype;
  int64_t rows;
  float* values;         // [rows, places]
  int32_t* indices;      // [rows, places]
  float* normalization;  // [rows, 2]
  int64_t places;
};

/** As EncodeReport.java. */
struct EncodeReport {
  int64_t nonFiniteRows = 0;
  int64_t unnormalizableRows = 0;
  int64_t mostActive = 0;
  int64_t firstOverfullRow = -1;
  int64_t fullScans = 0;
};

EncodeReport encode(Device& device, const Encoder& encoder, const EncodeCall& call);

}  // namespace coxswain::cpu
