// Canonical dots of one row of weights in global memory with a few rows of x in shared memory, by a warp.
#pragma once

#include <cstdint>

#include "common/dtype.cuh"
#include "common/reduce.cuh"

namespace coxswain {

/** Rows of x in shared memory begin this many floats apart: whole 16 bytes. */
COX_HOST_DEVICE int64_t sharedRowStride(int64_t d) { return (d + 3) / 4 * 4; }

/**
 * Copies `rows` of kRows rows into shared memory [kRows, sharedRowStride(d)], zeros for the others and beyond
 * d. The rows lie `stride` floats apart, 16-byte aligned, and are 0 beyond d; row r is number list[r], or r.
 * Ends with a barrier.
 */
template <int kRows>
__device__ __forceinline__ void stageRows(const float* x, const int32_t* list, int64_t rows, int64_t stride,
                                          int64_t d, float* shared) {
  const int64_t sharedStride = sharedRowStride(d);
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const float* row = x + (r >= rows ? 0 : list == nullptr ? r : list[r]) * stride;
    for (int64_t e = 4 * threadIdx.x; e < d; e += 4 * blockDim.x) {
      const float4 v = r < rows ? *reinterpret_cast<const float4*>(row + e) : float4{0.0f, 0.0f, 0.0f, 0.0f};
      *reinterpret_cast<float4*>(shared + r * sharedStride + e) = v;
    }
  }
  __syncthreads();
}

/** Dots by Quads (reduce.cuh): w 16-byte aligned, d a multiple of 4. */
struct QuadDots {
  template <int kChunks, int kRows>
  static __device__ __forceinline__ void step(const float* w, const float* x, int64_t xStride,
                                              float (&acc)[kRows][8]) {
    float4 v[2 * kChunks];
#pragma unroll
    for (int i = 0; i < 2 * kChunks; ++i) v[i] = loadStream4(w + 128 * i);
#pragma unroll
    for (int i = 0; i < 2 * kChunks; ++i) {
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        fmaQuad(*reinterpret_cast<const float4*>(x + r * xStride + 128 * i), v[i], acc[r] + 4 * (i % 2));
      }
    }
  }

  /** The last, incomplete 256 elements. */
  template <int kRows>
  static __device__ __forceinline__ void tail(const float* w, const float* x, int64_t xStride, int64_t left,
                                              float (&acc)[kRows][8]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      if (128 * half + 4 * laneId() >= left) continue;
      const float4 v = loadStream4(w + 128 * half);
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        fmaQuad(*reinterpret_cast<const float4*>(x + r * xStride + 128 * half), v, acc[r] + 4 * half);
      }
    }
  }

  template <int kRows>
  static __device__ __forceinline__ void dots(const float* w, const float* x, int64_t xStride, int64_t d,
                                              float (&z)[kRows]) {
    float acc[kRows][8] = {};
    w += 4 * laneId();
    x += 4 * laneId();
    int64_t e = 0;
    for (; e + 512 <= d; e += 512) step<2>(w + e, x + e, xStride, acc);
    if (e + 256 <= d) {
      step<1>(w + e, x + e, xStride, acc);
      e += 256;
    }
    if (e < d) tail(w + e, x + e, xStride, d - e, acc);
#pragma unroll
    for (int r = 0; r < kRows; ++r) z[r] = reduceQuads(acc[r]);
  }
};

/** Dots by Singles: any w and d. */
struct SingleDots {
  template <int kRows>
  static __device__ __forceinline__ void dots(const float* w, const float* x, int64_t xStride, int64_t d,
                                              float (&z)[kRows]) {
    float acc[kRows][8] = {};
    for (int64_t base = laneId(); base < d; base += 256) {
      float v[8];
#pragma unroll
      for (int j = 0; j < 8; ++j) v[j] = base + 32 * j < d ? loadStream1(w + base + 32 * j) : 0.0f;
#pragma unroll
      for (int j = 0; j < 8; ++j) {
        if (base + 32 * j >= d) continue;
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
          acc[r][j] = __fmaf_rn(x[r * xStride + base + 32 * j], v[j], acc[r][j]);
        }
      }
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) z[r] = reduceSingles(acc[r]);
  }
};

}  // namespace coxswain
