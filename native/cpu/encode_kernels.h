// The inner loops of encoding, one instance an instruction set (encode_avx512.cpp and its siblings).
#pragma once

#include <cstdint>

#include "cpu/dot.h"
#include "cpu/dtype.h"
#include "cpu/isa.h"
#include "cpu/rows.h"

namespace coxswain::cpu {

/** What an SAE does to a row before it subtracts b_dec; numbers as in Normalization.java. */
enum class Normalization : int { kNone = 0, kConstantNorm = 1, kLayerNorm = 2 };

enum class RowState : uint8_t { kReady, kNonFinite, kUnnormalizable };

/** One row to make ready for scoring. */
struct RowInput {
  const void* x;  // [d] of dtype
  Dtype dtype;
  int64_t d;
  Normalization normalization;
  const float* subtract;  // [d] or null
};

/** Weights whose scores are wanted: row f is w[subset ? subset[f] : f]. */
struct ScoreWeights {
  const float* w;         // [F, d]
  const float* b;         // [F]
  const int32_t* subset;  // ascending feature numbers, or null for all
  int64_t d;

  int64_t feature(int64_t f) const { return subset == nullptr ? f : subset[f]; }
};

struct EncodeKernels {
  /** Writes x̃ − δ·b_dec to prepared [d] and (shift, scale) of the row's normalisation; (0, 0) where not
   * ready. */
  RowState (*prepare)(const RowInput& row, float* prepared, float* shiftScale);

  /** z[r·zStride + f − from] of `rows` prepared rows (xStride floats apart), f in [from, to); canonical. */
  void (*score)(const ScoreWeights& weights, int64_t from, int64_t to, const float* x, int64_t rows,
                int64_t xStride, float* z, int64_t zStride);

  /** Writes the places i < n with z[i] > max(floor, threshold[i]) (threshold may be null), ascending; their
   * number. */
  int64_t (*collect)(const float* z, const float* threshold, float floor, int64_t n, uint32_t* places);
};

const EncodeKernels& encodeKernels(Isa isa);
extern const EncodeKernels kEncodePortable;
extern const EncodeKernels kEncodeAvx2;
extern const EncodeKernels kEncodeAvx512;

template <class V>
struct EncodeLoops {
  static RowState prepare(const RowInput& row, float* prepared, float* shiftScale) {
    shiftScale[0] = 0.0f;
    shiftScale[1] = 0.0f;
    if (!loadRow<V>(row.x, row.dtype, row.d, prepared)) return RowState::kNonFinite;
    if (!normalize(row, prepared, shiftScale)) return RowState::kUnnormalizable;
    if (row.subtract != nullptr) {
      map(prepared, row.d,
          [&](const V& v, int64_t e, int n) { return v - loadElements<V>(row.subtract, Dtype::kF32, e, n); });
    }
    return RowState::kReady;
  }

  static bool normalize(const RowInput& row, float* x, float* shiftScale) {
    switch (row.normalization) {
      case Normalization::kNone:
        shiftScale[1] = 1.0f;
        return true;
      case Normalization::kConstantNorm:
        return constantNorm(x, row.d, shiftScale);
      case Normalization::kLayerNorm:
        return layerNorm(x, row.d, shiftScale);
    }
    return false;
  }

  /** x·(√d/‖x‖). */
  static bool constantNorm(float* x, int64_t d, float* shiftScale) {
    float norm = __builtin_sqrtf(dot<V>(x, x, d));
    float root = __builtin_sqrtf(static_cast<float>(d));
    float factor = root / norm;
    if (!usable(norm) || !usable(factor)) return false;
    map(x, d, [&](const V& v, int64_t, int) { return v * V::broadcast(factor); });
    shiftScale[1] = norm / root;
    return true;
  }

  /** (x − mean)/(std + 1e-5); a constant row has std 0 and is divided by 1e-5. */
  static bool layerNorm(float* x, int64_t d, float* shiftScale) {
    float mean = sum<V>(x, d) / static_cast<float>(d);
    map(x, d, [&](const V& v, int64_t, int) { return v - V::broadcast(mean); });
    float std = __builtin_sqrtf(dot<V>(x, x, d) / static_cast<float>(d - 1));
    if (!(std < __builtin_inff())) return false;
    float divisor = std + 1e-5f;
    map(x, d, [&](const V& v, int64_t, int) { return v / V::broadcast(divisor); });
    shiftScale[0] = mean;
    shiftScale[1] = std;
    return true;
  }

  static bool usable(float scale) { return scale > 0.0f && scale < __builtin_inff(); }

  template <class F>
  static void map(float* x, int64_t d, const F& f) {
    for (int64_t e = 0; e < d; e += 16) {
      int n = lanesFrom(e, d);
      V v = f(loadElements<V>(x, Dtype::kF32, e, n), e, n);
      n == 16 ? v.store(x + e) : v.storeTail(x + e, n);
    }
  }

  static void score(const ScoreWeights& weights, int64_t from, int64_t to, const float* x, int64_t rows,
                    int64_t xStride, float* z, int64_t zStride) {
    for (int64_t f = from; f < to; ++f) {
      int64_t feature = weights.feature(f);
      const float* w = weights.w + feature * weights.d;
      for (int64_t r = 0; r < rows; ++r) {
        z[r * zStride + f - from] = dot<V>(x + r * xStride, w, weights.d) + weights.b[feature];
      }
    }
  }

  static int64_t collect(const float* z, const float* threshold, float floor, int64_t n, uint32_t* places) {
    int64_t found = 0;
    const V lowest = V::broadcast(floor);
    for (int64_t i = 0; i < n; i += 16) {
      int lanes = lanesFrom(i, n);
      V v = loadElements<V>(z, Dtype::kF32, i, lanes);
      uint32_t mask = V::above(v, lowest) & ((1u << lanes) - 1u);
      if (mask != 0 && threshold != nullptr) {
        mask &= V::above(v, loadElements<V>(threshold, Dtype::kF32, i, lanes));
      }
      for (; mask != 0; mask &= mask - 1) {
        places[found++] = static_cast<uint32_t>(i) + static_cast<uint32_t>(__builtin_ctz(mask));
      }
    }
    return found;
  }

  static constexpr EncodeKernels table() { return {prepare, score, collect}; }
};

}  // namespace coxswain::cpu
