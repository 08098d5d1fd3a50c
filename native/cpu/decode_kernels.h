// The inner loop of decoding, one instance an instruction set.
#pragma once

#include <cstdint>

#include "cpu/dtype.h"
#include "cpu/isa.h"
#include "cpu/rows.h"

namespace coxswain::cpu {

/** One row to rebuild. */
struct RowOutput {
  const float* values;     // [count] activations
  const int32_t* indices;  // [count] features, ascending, all valid
  int64_t count;
  const float* wDec;  // [F, d]
  const float* bDec;  // [d]
  int64_t d;
  bool normalized;  // undo: · scale, then + shift
  float shift;
  float scale;  // 0 with shift 0: the row is 0
  void* xHat;   // [d] of dtype
  Dtype dtype;
};

struct DecodeKernels {
  /** Returns the elements that were clamped to the largest finite value. */
  int64_t (*decodeRow)(const RowOutput& row);
};

const DecodeKernels& decodeKernels(Isa isa);
extern const DecodeKernels kDecodePortable;
extern const DecodeKernels kDecodeAvx2;
extern const DecodeKernels kDecodeAvx512;

template <class V>
struct DecodeLoops {
  /** Vectors a pass over the features keeps in registers. */
  static constexpr int kWide = 2 * V::kLive > 8 ? 8 : 2 * V::kLive;

  static int64_t decodeRow(const RowOutput& row) {
    int64_t clamped = 0;
    int64_t e = 0;
    for (; e + 16 * kWide <= row.d; e += 16 * kWide) {
      V acc[kWide];
      for (int i = 0; i < kWide; ++i) acc[i] = V::zero();
      for (int64_t j = 0; j < row.count; ++j) {
        const float* w = row.wDec + row.indices[j] * row.d + e;
        const V a = V::broadcast(row.values[j]);
#pragma GCC unroll 8
        for (int i = 0; i < kWide; ++i) acc[i] = V::fma(a, V::load(w + 16 * i), acc[i]);
      }
      for (int i = 0; i < kWide; ++i) clamped += finish(row, acc[i], e + 16 * i, 16);
    }
    for (; e < row.d; e += 16) {
      int n = lanesFrom(e, row.d);
      V acc = V::zero();
      for (int64_t j = 0; j < row.count; ++j) {
        const float* w = row.wDec + row.indices[j] * row.d;
        acc = V::fma(V::broadcast(row.values[j]), loadElements<V>(w, Dtype::kF32, e, n), acc);
      }
      clamped += finish(row, acc, e, n);
    }
    return clamped;
  }

  static int finish(const RowOutput& row, V acc, int64_t e, int n) {
    acc = acc + loadElements<V>(row.bDec, Dtype::kF32, e, n);
    if (row.normalized) {
      acc = acc * V::broadcast(row.scale);
      acc = acc + V::broadcast(row.shift);
    }
    if (row.scale == 0.0f && row.shift == 0.0f) acc = V::zero();
    return storeElements(acc, row.xHat, row.dtype, e, n);
  }

  static constexpr DecodeKernels table() { return {decodeRow}; }
};

}  // namespace coxswain::cpu
