// What the kernels of a training step share (docs/design.md, training): the numbers they hand on, canonical
// sums of a warp, prefix sums of a CTA.
#pragma once

#include <cstdint>

#include "common/reduce.cuh"

namespace coxswain {

/** Features whose part of b_dec's gradient is summed as one. */
constexpr int64_t kFeaturesPerBlock = 32;

/** What the kernels of a step leave for later ones, and at last for the host: TrainSums.java.
 */
struct TrainSums {
  double variance;         // 0: V
  double squaredError;     // 1: E
  double auxSquaredError;  // 2: A
  double scale;            // 3: ∂loss/∂x̂ = scale · e; −2/V rounded to float32, 0 where V is not positive
  double auxScale;         // 4: ∂loss/∂ê = auxScale · (e − ê), rounded to float32
  int64_t aux;             // 5: 1 where AuxK has an error to explain and features to do it with
  int64_t dead;            // 6: features dead before this step
  int64_t hot;             // 7: features with gradients in TrainHot
  int64_t active;          // 8: (row, feature) pairs, AuxK's aside
};

/** (row, feature) pairs by feature, the rows of each ascending. */
struct TrainPairs {
  const int64_t* begin;  // [F + 1]
  const int32_t* rows;   // [begin[F]]
  const float* a;        // [begin[F]] activations
  const float* dz;       // [begin[F]] ∂loss/∂z
};

/** Gradients summed ahead, column by column, of features with many pairs. */
struct TrainHot {
  int32_t* slots;     // [F] −1 where the feature has none
  int32_t* features;  // [places]
  float* gradients;   // [places, 2, d]: of W_dec[f] with its part along W_dec[f], of W_enc[f]
  float* bias;        // [places]: of b_enc[f]
};

__device__ __forceinline__ int warpId() { return static_cast<int>(threadIdx.x) >> 5; }

__device__ __forceinline__ float4 quadAt(const float* p) { return *reinterpret_cast<const float4*>(p); }

/** Terms u[e]·w[e]. */
struct DotTerms {
  const float* u;
  const float* w;
  __device__ __forceinline__ void quad(int64_t e, float* a) const {
    fmaQuad(quadAt(u + e), quadAt(w + e), a);
  }
  __device__ __forceinline__ float single(int64_t e, float a) const { return __fmaf_rn(u[e], w[e], a); }
};

/** Terms (u[e] − w[e])². */
struct DistanceTerms {
  const float* u;
  const float* w;
  __device__ __forceinline__ void quad(int64_t e, float* a) const {
    const float4 p = quadAt(u + e), q = quadAt(w + e);
    const float4 v = {__fsub_rn(p.x, q.x), __fsub_rn(p.y, q.y), __fsub_rn(p.z, q.z), __fsub_rn(p.w, q.w)};
    fmaQuad(v, v, a);
  }
  __device__ __forceinline__ float single(int64_t e, float a) const {
    const float v = __fsub_rn(u[e], w[e]);
    return __fmaf_rn(v, v, a);
  }
};

/** The canonical sum of terms [0, d) in every lane. aligned: both rows begin at 16 bytes and d is of fours.
 */
template <class Terms>
__device__ __forceinline__ float canonicalSum(const Terms& terms, int64_t d, bool aligned) {
  float a[8] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
  const int lane = laneId();
  const int64_t whole = d / 256 * 256;
  if (aligned) {
    const int64_t first = 4 * lane;
#pragma unroll 2
    for (int64_t base = 0; base < whole; base += 256) {
      terms.quad(base + first, a);
      terms.quad(base + 128 + first, a + 4);
    }
    if (whole + first < d) terms.quad(whole + first, a);
    if (whole + 128 + first < d) terms.quad(whole + 128 + first, a + 4);
    __syncwarp();
    return reduceQuads(a);
  }
  for (int64_t base = 0; base < whole; base += 256) {
#pragma unroll
    for (int j = 0; j < 8; ++j) a[j] = terms.single(base + 32 * j + lane, a[j]);
  }
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    if (whole + 32 * j + lane < d) a[j] = terms.single(whole + 32 * j + lane, a[j]);
  }
  __syncwarp();
  return reduceSingles(a);
}

/** Σ of the lanes up to and with this one. */
template <class T>
__device__ __forceinline__ T inclusiveSum(T v) {
#pragma unroll
  for (int o = 1; o < 32; o <<= 1) {
    const T below = __shfl_up_sync(kAllLanes, v, o);
    if (laneId() >= o) v += below;
  }
  return v;
}

/**
 * Prefix sums in a CTA of 32·kWarps threads: calls put(i, Σ_{j<i} value(j), value(i)) for i < n and returns
 * the whole sum, of integers T, in every thread. What put writes to shared memory others may read after a
 * barrier.
 */
template <int kWarps, class T, class Value, class Put>
__device__ T prefixSums(int64_t n, const Value& value, const Put& put) {
  constexpr int kEach = 8;
  __shared__ T warpSums[kWarps];
  T before = 0;
  for (int64_t base = 0; base < n; base += 32 * kEach * kWarps) {
    const int64_t first = base + 32 * kEach * warpId();
    T values[kEach], prefixes[kEach];
    T sum = 0;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      values[i] = first + 32 * i + laneId() < n ? value(first + 32 * i + laneId()) : 0;
    }
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      prefixes[i] = 0;
      if (first + 32 * i >= n) continue;
      const T inclusive = inclusiveSum(values[i]);
      prefixes[i] = sum + inclusive - values[i];
      sum += __shfl_sync(kAllLanes, inclusive, 31);
    }
    __syncthreads();
    if (laneId() == 0) warpSums[warpId()] = sum;
    __syncthreads();
    const T ofWarp = laneId() < kWarps ? warpSums[laneId()] : 0;
    const T upTo = inclusiveSum(ofWarp);
    const T offset = before + __shfl_sync(kAllLanes, upTo - ofWarp, warpId());
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      const int64_t at = first + 32 * i + laneId();
      if (at < n) put(at, offset + prefixes[i], values[i]);
    }
    before += __shfl_sync(kAllLanes, upTo, 31);
  }
  return before;
}

/** Σ in double over the rows of a column, ascending, of 32 columns a CTA of 256 threads; lanes of warp 0. */
constexpr int kColumnTileRows = 128;
using ColumnTile = float[2][kColumnTileRows * 32];

__device__ __forceinline__ double columnSum(const float* matrix,  // [rows, d]
                                            int64_t rows, int64_t d, ColumnTile& tile) {
  constexpr int kEach = kColumnTileRows / 8;
  const int64_t column = 32 * static_cast<int64_t>(blockIdx.x) + laneId();
  float next[kEach];
  auto load = [&](int64_t base) {
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      const int64_t row = base + warpId() + 8 * i;
      next[i] = row < rows && column < d ? matrix[row * d + column] : 0.0f;
    }
  };
  load(0);
  double sum = 0;
  __syncthreads();
  for (int64_t base = 0; base < rows; base += kColumnTileRows) {
    float* values = tile[base / kColumnTileRows % 2];
#pragma unroll
    for (int i = 0; i < kEach; ++i) values[(warpId() + 8 * i) * 32 + laneId()] = next[i];
    __syncthreads();
    if (base + kColumnTileRows < rows) load(base + kColumnTileRows);
    if (warpId() != 0) continue;
    const int64_t left = rows - base;
    const int count = left < kColumnTileRows ? static_cast<int>(left) : kColumnTileRows;
    for (int row = 0; row < count; ++row)
      sum = __dadd_rn(sum, static_cast<double>(values[row * 32 + laneId()]));
  }
  return sum;
}

}  // namespace coxswain
