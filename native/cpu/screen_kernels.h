// The screen of batches: a register-blocked matrix product whose scores are only near the canonical ones, and
// a proven distance. Features that may be active are kept and scored again canonically; so the screen decides
// how fast, never what.
//
// Bound. For one row x and feature w (both [d], norms ≤ 2^60), with u = 2^-24 and γ_n = n·u / (1 − n·u):
//   c  the canonical dot, s the screen's, t = Σ x_e·w_e exactly; x = x' + ex and w = w' + ew are what the
//   screen
//      multiplies (bfloat16) and what it leaves out; in the float32 screen ex = ew = 0.
//   |c − t|         ≤ γ_m ‖x‖‖w‖ + underflow, m = ⌈d/256⌉ + 8: that many roundings on the way of a product.
//   |s − Σ x'_e·w'_e| ≤ γ_{2d+2} ‖x'‖‖w'‖ + underflow: at most two roundings a product, in any order.
//   |t − Σ x'_e·w'_e| ≤ ‖ex‖‖w‖ + ‖x'‖‖ew‖                                            (Cauchy-Schwarz)
// Underflow, also where subnormal inputs and results count as 0, is below (2d + √d(‖x‖ + ‖w‖))·2^-126, which
// u·d·‖x‖‖w‖ exceeds once both norms are floored at 2^-50. Together, with K = 1.01·γ_{2d + m + 16} (the spare
// roundings are those of the bound itself, whose norms are taken 2^-10 too large):
//   |c − s| ≤ E = ‖w‖·(‖ex‖ + K‖x‖) + ‖ew‖·‖x'‖.
// z = fl(c + b), and rounding is monotone: fl(fl(s − E) + b) ≤ z ≤ fl(fl(s + E) + b) = U.
//
// Selection. Let τ be the k-th largest lower bound seen. k features have z ≥ τ; one with U < τ can neither be
// among the k best nor tie with the k-th. All others stay.
#pragma once

#include <cstdint>

#include "cpu/dot.h"
#include "cpu/isa.h"

namespace coxswain::cpu {

/** Norms are floored at this, so that E covers underflow; beyond kLargestNorm sums could overflow. */
constexpr float kSmallestNorm = 0x1p-50f;
constexpr float kLargestNorm = 0x1p60f;

/** ‖v‖ and ‖ev‖ of a row, both rounded up. */
struct ScreenNorms {
  float norm;
  float error;
};

/** The features that one row may have active, in the order met; places beyond count are free. */
struct ScreenRow {
  float* upper;      // [capacity] U
  float* lower;      // [capacity]
  int32_t* feature;  // [capacity]
  int32_t count;
  int32_t full;  // from this count on the row wants tightening; at least a tile's features below capacity
  float least;   // τ; NaN switches the row off
};

/** One block of features against one panel of rows. */
struct ScreenTile {
  const void* w;  // [tileFeatures] rows of d screen elements, wStride bytes apart
  int64_t wStride;
  int64_t d;
  int32_t firstFeature;  // number of the first; the others follow
  int32_t features;      // of them to report
  const float* b;        // [features]
  const float* wNorm;    // [features] ‖w‖
  const float* wError;   // [features] ‖ew‖
  const float* theta;    // [features] least score of an active feature
  const void* panel;     // [d, lanes] screen elements
  const float* xBound;   // [lanes] ‖ex‖ + K‖x‖
  const float* xNorm;    // [lanes] ‖x'‖
  const float* least;    // [lanes] τ
  ScreenRow* rows;       // [lanes]
};

struct ScreenKernels {
  int tileFeatures;
  int lanes;
  int64_t elementBytes;
  /** Elements of d that the screen handles at a time; rows and panels are padded with zeros to a multiple. */
  int64_t group;
  /** Whether weights must be converted; else the screen reads them where they are. */
  bool convertsWeights;

  ScreenNorms (*convert)(const float* w, int64_t d, void* out);
  /** Packs `rows` ≤ lanes rows into a panel, the other lanes with zeros; norms [rows]. */
  void (*pack)(const float* x, int64_t xStride, int64_t rows, int64_t d, void* panel, ScreenNorms* norms);
  /** Adds the tile's possibly active features to their rows; true where a row is now full. */
  bool (*tile)(const ScreenTile& tile);
  /**
   * Raises a row's τ to a value that `limit` of its lower bounds reach (where it has as many), and drops the
   * features that do not reach τ.
   */
  void (*tighten)(ScreenRow& row, int64_t limit);
};

extern const ScreenKernels kScreenPortable;
extern const ScreenKernels kScreenAvx2;
extern const ScreenKernels kScreenAvx512;
extern const ScreenKernels kScreenAvx512Bf16;

/** ‖v‖ rounded up and floored; +Inf or NaN where it does not fit. */
template <class V>
static inline float normAbove(const float* v, int64_t d) {
  float norm = __builtin_sqrtf(dot<V>(v, v, d)) * (1.0f + 0x1p-10f);
  return norm < kSmallestNorm ? kSmallestNorm : norm;
}

/** Adds one feature to the rows in whose lanes its upper bound reaches τ and θ; true where a row is now full.
 */
template <class V>
static inline bool addHits(const ScreenTile& tile, int feature, int firstLane, const V& score) {
  const V b = V::broadcast(tile.b[feature]);
  const V bound = V::fma(V::broadcast(tile.wNorm[feature]), V::load(tile.xBound + firstLane),
                         V::broadcast(tile.wError[feature]) * V::load(tile.xNorm + firstLane));
  const V upper = (score + bound) + b;
  uint32_t mask = V::atLeast(upper, V::load(tile.least + firstLane)) &
                  V::atLeast(upper, V::broadcast(tile.theta[feature]));
  if (mask == 0) return false;
  float uppers[16];
  float lowers[16];
  upper.store(uppers);
  ((score - bound) + b).store(lowers);
  bool full = false;
  for (; mask != 0; mask &= mask - 1) {
    int lane = __builtin_ctz(mask);
    ScreenRow& row = tile.rows[firstLane + lane];
    int32_t place = row.count++;
    row.upper[place] = uppers[lane];
    row.lower[place] = lowers[lane] == lowers[lane] ? lowers[lane] : -__builtin_inff();
    row.feature[place] = tile.firstFeature + feature;
    full |= row.count >= row.full;
  }
  return full;
}

/** Tightening: any τ that `limit` lower bounds reach is valid, so halving the interval a few times is enough.
 */
template <class V>
struct ScreenTightening {
  static int64_t reaching(const ScreenRow& row, float least) {
    int64_t below = 0;
    const V limit = V::broadcast(least);
    for (int32_t i = 0; i < row.count; i += 16) {
      int n = row.count - i < 16 ? row.count - i : 16;
      V lower = n == 16 ? V::load(row.lower + i) : V::loadTail(row.lower + i, n);
      below += __builtin_popcount(V::above(limit, lower) & ((1u << n) - 1u));
    }
    return row.count - below;
  }

  static float threshold(const ScreenRow& row, int64_t limit) {
    float low = __builtin_inff();
    float high = -__builtin_inff();
    for (int32_t i = 0; i < row.count; ++i) {
      low = row.lower[i] < low ? row.lower[i] : low;
      high = row.lower[i] > high ? row.lower[i] : high;
    }
    if (!(low > -__builtin_inff() && high < __builtin_inff())) return low;
    if (reaching(row, high) >= limit) return high;
    for (int step = 0; step < 12; ++step) {
      float middle = 0.5f * low + 0.5f * high;
      (reaching(row, middle) >= limit ? low : high) = middle;
    }
    return low;
  }

  static void tighten(ScreenRow& row, int64_t limit) {
    if (row.count <= limit) return;
    float least = threshold(row, limit);
    row.least = least > row.least ? least : row.least;
    int32_t kept = 0;
    for (int32_t i = 0; i < row.count; ++i) {
      float upper = row.upper[i];
      row.upper[kept] = upper;
      row.lower[kept] = row.lower[i];
      row.feature[kept] = row.feature[i];
      kept += !(upper < row.least);
    }
    row.count = kept;
  }
};

/** The float32 screen with kFeatures × kVectors accumulators. */
template <class V, int kFeatures, int kVectors>
struct ScreenLoops {
  static constexpr int kLanes = 16 * kVectors;

  static ScreenNorms convert(const float* w, int64_t d, void*) { return {normAbove<V>(w, d), 0.0f}; }

  static void pack(const float* x, int64_t xStride, int64_t rows, int64_t d, void* out, ScreenNorms* norms) {
    float* panel = static_cast<float*>(out);
    for (int64_t r = 0; r < rows; ++r) norms[r] = {normAbove<V>(x + r * xStride, d), 0.0f};
    for (int64_t e = 0; e < d; ++e) {
      for (int64_t r = 0; r < kLanes; ++r) panel[e * kLanes + r] = r < rows ? x[r * xStride + e] : 0.0f;
    }
  }

  static bool tile(const ScreenTile& tile) {
    V acc[kFeatures][kVectors];
    for (int f = 0; f < kFeatures; ++f) {
      for (int v = 0; v < kVectors; ++v) acc[f][v] = V::zero();
    }
    const float* x = static_cast<const float*>(tile.panel);
    const float* w = static_cast<const float*>(tile.w);
    const int64_t stride = tile.wStride / 4;
    for (int64_t e = 0; e < tile.d; ++e) {
      V lanes[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) lanes[v] = V::load(x + e * kLanes + 16 * v);
#pragma GCC unroll 16
      for (int f = 0; f < kFeatures; ++f) {
        const V weight = V::broadcast(w[f * stride + e]);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) acc[f][v] = V::near(weight, lanes[v], acc[f][v]);
      }
    }
    bool full = false;
    for (int f = 0; f < tile.features; ++f) {
      for (int v = 0; v < kVectors; ++v) full |= addHits<V>(tile, f, 16 * v, acc[f][v]);
    }
    return full;
  }

  static constexpr ScreenKernels table() {
    return {kFeatures, kLanes, 4, 1, false, convert, pack, tile, ScreenTightening<V>::tighten};
  }
};

}  // namespace coxswain::cpu
