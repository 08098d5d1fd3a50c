// Screens of encode: near scores s that cost less than the canonical z, and a proven distance between
// the two. A screen decides how fast, never what: features that may be active are scored again
// canonically.
//
// Bound. For one row x and feature w (both [d], d ≤ 2^17, norms ≤ 2^60), u = 2^-24 and γ_n = n·u / (1 −
// n·u):
//   c is the canonical dot, t = Σ x_e·w_e exactly; x = x' + ex and w = w' + ew are what the screen
//     multiplies and what it leaves out; p = Σ x'_e·w'_e exactly.
//   |c − t| ≤ γ_m ‖x‖‖w‖ + underflow, m = ⌈d/256⌉ + 8: that many roundings on the way of a product.
//   |t − p| ≤ ‖ex‖‖w‖ + ‖x'‖‖ew‖ (Cauchy-Schwarz).
//   |s − p| ≤ γ_(3d+16) ‖x'‖‖w'‖ + underflow in bfloat16: products are exact. A tensor core adds N ≥ 4
//     of them to the sum at once: N + 1 addends cut to 24 bits of the largest, and the result to 24
//     bits, are N + 2 errors of at most 2u times Σ|x'_e·w'_e|. That is at most 2(N + 2)/N ≤ 3 roundings
//     a product, in any order and any split of the sum; so too where addends are rounded one by one.
//   |s − p| ≤ γ_3 ‖x'‖‖w'‖ in int8: x' and w' are whole multiples of a scale a row, the sums of
//     products with the high and the low bytes of x' are exact in 32 bits each, and s =
//     fl(fl(fl(256·high + low)·scale_x)·scale_w). Here ‖x'‖‖w'‖ ≤ ‖x‖‖w‖ + what E holds anyway, 2^-10
//     too large.
// Underflow, also where subnormal inputs and results count as 0, is below (2d + √d(‖x‖ + ‖w‖))·2^-126,
// which u·d·‖x‖‖w‖ exceeds once all norms are floored at 2^-50. Together, with K = 1.01·γ_(3d + m + 32)
// (the spare roundings are those of the bound itself, whose norms are taken 2^-10 too large):
//   |c − s| ≤ E = ‖w‖·(‖ex‖ + K‖x‖) + ‖ew‖·‖x'‖.
// z = fl(c + b), and rounding is monotone: L = fl(fl(s − E) + b) ≤ z ≤ fl(fl(s + E) + b) = U.
//
// Selection. Let τ be the k-th largest lower bound seen. k features have z ≥ τ; one with U < τ can
// neither be among the k best nor tie with the k-th. All others stay. Where more stay than there is
// room for, or a norm is beyond 2^60 or NaN, the row is undecided and scored in full.
#pragma once

#include <cstdint>

#include "common/encode.cuh"
#include "common/order.cuh"
#include "common/reduce.cuh"

namespace coxswain {

/** Norms are floored at this, so that E covers underflow; beyond kLargestNorm sums could overflow. */
constexpr float kSmallestNorm = 0x1p-50f;
constexpr float kLargestNorm = 0x1p60f;

/** Elements that a screen multiplies. */
enum class ScreenKind : int64_t { kBf16 = 0, kInt8 = 1 };

/** Largest whole number of a byte of weights. */
constexpr float kWeightSteps = 127.0f;

/** And of the two bytes of x: the largest whose high byte, rounded so that the low one is signed, is 127. */
constexpr float kRowSteps = 32512.0f;

/** The τ of a row that takes no candidates: no score compares with it. */
__device__ __forceinline__ float offThreshold() { return __int_as_float(0x7fffffff); }

/** √squares of at most 2^13 roundings, rounded up and floored; +Inf or NaN where it does not fit. */
__device__ __forceinline__ float normAbove(float squares) {
  const float norm = __fmul_rn(__fsqrt_rn(squares), 1.0f + 0x1p-10f);
  return norm < kSmallestNorm ? kSmallestNorm : norm;
}

/** What the bound needs of the rows of x; one value a row. */
struct ScreenRows {
  const float* bound;  // ‖ex‖ + K‖x‖
  const float* norm;   // ‖x'‖
};

/** And of the weights; one value a place. */
struct ScreenWeights {
  const float* norm;   // ‖w‖
  const float* error;  // ‖ew‖
};

struct Bounds {
  float upper;
  float lower;  // −Inf rather than NaN
};

__device__ __forceinline__ Bounds boundsOf(float score, float rowBound, float rowNorm, float norm,
                                           float error, float b) {
  const float distance = __fmaf_rn(norm, rowBound, __fmul_rn(error, rowNorm));
  const float lower = __fadd_rn(__fsub_rn(score, distance), b);
  return {__fadd_rn(__fadd_rn(score, distance), b), lower == lower ? lower : __int_as_float(0xff800000)};
}

/** The candidates of one row (or of a part of its features) in global memory. */
struct CandidateList {
  float* upper;    // [capacity] U
  float* lower;    // [capacity] L
  int32_t* place;  // [capacity]
};

/**
 * Where they lie: for list i 8·capacity bytes of upper and lower bounds, which later hold the survivors'
 * keys, and 4·capacity bytes of places.
 */
__device__ __forceinline__ CandidateList candidateList(float* bounds, int32_t* places, int64_t list,
                                                       int64_t capacity) {
  float* upper = bounds + 2 * list * capacity;
  return {upper, upper + capacity, places + list * capacity};
}

}  // namespace coxswain
