// What the kernels of a training step share (docs/design.md, training): the numbers they hand on, canonical
// sums of a warp, prefix sums of a CTA.
#pragma once

#include <cstdint>

#include "common/ptx.cuh"
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

/** Row `row` of a matrix of rows of `bytes` bytes. */
__device__ __forceinline__ const float* rowAt(const float* matrix, int32_t row, int32_t bytes) {
  return reinterpret_cast<const float*>(reinterpret_cast<const char*>(matrix) + wideProduct(row, bytes));
}

/** Terms u·w. */
struct DotTerm {
  static __device__ __forceinline__ float add(float u, float w, float sum) { return __fmaf_rn(u, w, sum); }
};

/** Terms (u − w)². */
struct DistanceTerm {
  static __device__ __forceinline__ float add(float u, float w, float sum) {
    const float v = __fsub_rn(u, w);
    return __fmaf_rn(v, v, sum);
  }
};

template <class Term>
__device__ __forceinline__ void addQuad(const float* u, const float* w, float* a) {
  const float4 p = *reinterpret_cast<const float4*>(u), q = *reinterpret_cast<const float4*>(w);
  a[0] = Term::add(p.x, q.x, a[0]);
  a[1] = Term::add(p.y, q.y, a[1]);
  a[2] = Term::add(p.z, q.z, a[2]);
  a[3] = Term::add(p.w, q.w, a[3]);
}

/** The canonical sum of terms of u and w [d] in every lane. aligned: both begin at 16 bytes, d is of fours.
 */
template <class Term>
__device__ __forceinline__ float canonicalSum(const float* u, const float* w, int d, bool aligned) {
  float a[8] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
  const int perLane = aligned ? 4 : 1;
  u += perLane * laneId();
  w += perLane * laneId();
  int left = d - perLane * laneId();  // of this lane's elements, from the first one on
  if (aligned) {
#pragma unroll 2
    for (; left > 128; left -= 256, u += 256, w += 256) {
      addQuad<Term>(u, w, a);
      addQuad<Term>(u + 128, w + 128, a + 4);
    }
    if (left > 0) addQuad<Term>(u, w, a);
    __syncwarp();
    return reduceQuads(a);
  }
  for (; left > 7 * 32; left -= 256, u += 256, w += 256) {
#pragma unroll
    for (int j = 0; j < 8; ++j) a[j] = Term::add(u[32 * j], w[32 * j], a[j]);
  }
#pragma unroll
  for (int j = 0; j < 7; ++j) {
    if (left > 32 * j) a[j] = Term::add(u[32 * j], w[32 * j], a[j]);
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
