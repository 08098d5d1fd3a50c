// A row's columns in the registers of a CTA of 64 threads, each of which has whole canonical accumulators.
#pragma once

#include "common/reduce.cuh"

namespace coxswain {

/**
 * How 64 threads share the columns of a row: by units of four a thread, a unit in each 256 columns. Quads:
 * columns 4t to 4t+3 of thread t, loaded at once, for rows that begin at 16 bytes; else columns t, t+64,
 * t+128, t+192.
 */
template <bool kQuads>
struct Layout {
  static constexpr int kStride = kQuads ? 1 : 64;  // from a column of a unit to its next

  static __device__ __forceinline__ int first() {
    return static_cast<int>(kQuads ? 4 * threadIdx.x : threadIdx.x);
  }

  /** p: the unit's first column; left: columns of the row from there on, at least 1. */
  static __device__ __forceinline__ void load(const float* p, int left, float* unit) {
    if constexpr (kQuads) {
      const float4 v = *reinterpret_cast<const float4*>(p);
      unit[0] = v.x, unit[1] = v.y, unit[2] = v.z, unit[3] = v.w;
    } else {
#pragma unroll
      for (int j = 0; j < 4; ++j) unit[j] = left > kStride * j ? p[kStride * j] : 0.0f;
    }
  }

  static __device__ __forceinline__ void store(const float* unit, int left, float* p) {
    if constexpr (kQuads) {
      *reinterpret_cast<float4*>(p) = {unit[0], unit[1], unit[2], unit[3]};
    } else {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        if (left > kStride * j) p[kStride * j] = unit[j];
      }
    }
  }

  /**
   * The canonical sum in all threads: a[j] is the accumulator of column j of a unit. `shared` [64] may be
   * used again after the next barrier but one.
   */
  static __device__ __forceinline__ float reduce(const float (&a)[4], float* shared) {
    float s;
    if constexpr (kQuads) {
      s = addXor(sumQuad(a), 1);  // s_l of l = t / 2
    } else {
      float part[4];
#pragma unroll
      for (int j = 0; j < 4; ++j) part[j] = addXor(addXor(addXor(a[j], 1), 2), 4);  // s_l of l = t / 8 + 8j
      s = __fadd_rn(__fadd_rn(part[0], part[2]), __fadd_rn(part[1], part[3]));
    }
    shared[threadIdx.x] = s;
    __syncthreads();
    s = __fadd_rn(s, shared[threadIdx.x ^ 32]);
    s = addXor(s, 16);
    s = addXor(s, 8);
    return kQuads ? addXor(addXor(s, 4), 2) : s;
  }
};

/** Some units of a thread, 256 columns apart, in registers at once: their loads are under way together. */
template <bool kQuads, int kN>
struct Units {
  float v[kN][4];

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int i = 0; i < 4 * kN; ++i) v[i / 4][i % 4] = 0.0f;
  }

  /** p: the first unit's first column; left: columns of the row from there on. */
  __device__ __forceinline__ void load(const float* p, int left) {
#pragma unroll
    for (int i = 0; i < kN; ++i) Layout<kQuads>::load(p + 256 * i, left - 256 * i, v[i]);
  }

  __device__ __forceinline__ void store(int left, float* p) const {
#pragma unroll
    for (int i = 0; i < kN; ++i) Layout<kQuads>::store(v[i], left - 256 * i, p + 256 * i);
  }

  /** v = f(v, i, j) of column j of unit i, columns ascending; columns beyond the row as the others. */
  template <class F>
  __device__ __forceinline__ void map(const F& f) {
#pragma unroll
    for (int i = 0; i < kN; ++i) {
#pragma unroll
      for (int j = 0; j < 4; ++j) v[i][j] = f(v[i][j], i, j);
    }
  }
};

/** body(Units type, first column, columns of the row from there on) for all units of a thread. */
template <bool kQuads, class Body>
__device__ __forceinline__ void eachUnits(int d, const Body& body) {
  int at = Layout<kQuads>::first();
  for (; at + 3 * 256 < d; at += 4 * 256) body(Units<kQuads, 4>{}, at, d - at);
  if (at + 256 < d) {
    body(Units<kQuads, 2>{}, at, d - at);
    at += 2 * 256;
  }
  if (at < d) body(Units<kQuads, 1>{}, at, d - at);
}

}  // namespace coxswain
