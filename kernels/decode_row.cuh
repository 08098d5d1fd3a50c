// Rebuilding a row from its active features in ascending index (docs/design.md, decode), in pieces: which
// features a row has, in order, and their sum over a slice of the columns. decode.cu and decode_dense.cu put
// them together.
#pragma once

#include <cstdint>

#include "common/reduce.cuh"
#include "common/rows.cuh"

namespace coxswain {

/** Places a row up to which a warp sorts them in its registers; beyond, cox_decode_sort does it before. */
constexpr int kWarpSorted = 256;

/** Sorts behind every feature. */
constexpr uint64_t kNoFeature = ~uint64_t{0};

/** Of one decode: elements clamped; least number of a place with a bad index; rows' features that occur
 * again. */
enum DecodeReport { kClamped, kFirstBad, kRepeated, kDecodeReport };

/** Active features of rows, as dev.coxswain.backend.SparseRows. */
struct ActiveRows {
  const float* values;     // [n, places]
  const int32_t* indices;  // [n, places]; −1 where there is no feature
  int64_t places;
  int64_t features;  // F: indices are below it

  /**
   * Sorts by feature, then by place; kNoFeature for an empty place. `firstBad` becomes the number of the
   * place if that holds no index and comes before it.
   */
  __device__ uint64_t key(int64_t row, int64_t place, unsigned long long& firstBad) const {
    const unsigned long long number = row * places + place;
    const int32_t index = place < places ? indices[number] : -1;
    const bool valid = index >= 0 && index < features;
    if (!valid && index != -1) firstBad = min(firstBad, number);
    return valid ? static_cast<uint64_t>(index) << 32 | static_cast<uint64_t>(place) : kNoFeature;
  }
};

/** No place has a bad index. */
constexpr unsigned long long kNoneBad = ~0ull;

/** One step of a bitonic sort: the smaller key goes to the lower position in an ascending run. */
__device__ __forceinline__ bool keepsSmaller(int position, int distance, int run) {
  return ((position & distance) == 0) == ((position & run) == 0);
}

/** Sorts 32·Q keys of a warp ascending; key q of lane l stands at position 32q + l. */
template <int Q>
__device__ void sortWarp(uint64_t (&keys)[Q]) {
#pragma unroll
  for (int run = 2; run <= 32 * Q; run *= 2) {
#pragma unroll
    for (int distance = run / 2; distance > 0; distance /= 2) {
      if (distance >= 32) {
#pragma unroll
        for (int q = 0; q < Q; ++q) {
          const int other = q ^ (distance / 32);
          if (other < q) continue;
          const bool swap = (keys[q] > keys[other]) == ((32 * q & run) == 0);
          const uint64_t low = keys[q];
          keys[q] = swap ? keys[other] : low;
          keys[other] = swap ? low : keys[other];
        }
        continue;
      }
#pragma unroll
      for (int q = 0; q < Q; ++q) {
        const uint64_t other = __shfl_xor_sync(kAllLanes, keys[q], distance);
        const bool smaller = keepsSmaller(32 * q + laneId(), distance, run);
        keys[q] = (other < keys[q]) == smaller ? other : keys[q];
      }
    }
  }
}

/** Features of a row in ascending order, a piece at a time, in shared memory. */
struct FeaturePiece {
  int64_t offset[kWarpSorted];  // of the feature's row of W_dec, in floats
  float value[kWarpSorted];
  int count;
};

/** Puts a key's feature and its value at a place of the piece; returns whether it is one. */
__device__ __forceinline__ bool place(uint64_t key, float value, int64_t d, int at, FeaturePiece& piece) {
  const bool present = key != kNoFeature;
  piece.offset[at] = present ? static_cast<int64_t>(key >> 32) * d : 0;
  piece.value[at] = present ? value : 0.0f;
  return present;
}

/** The whole row of at most 32·Q places, sorted by one warp; values follow their keys from lane to lane. */
template <int Q>
__device__ void sortRow(const ActiveRows& active, int64_t row, int64_t d, unsigned long long* firstBad,
                        FeaturePiece& piece) {
  uint64_t keys[Q];
  float values[Q];
  unsigned long long bad = kNoneBad;
#pragma unroll
  for (int q = 0; q < Q; ++q) {
    const int64_t at = 32 * q + laneId();
    keys[q] = active.key(row, at, bad);
    values[q] = at < active.places ? active.values[row * active.places + at] : 0.0f;
  }
  if (bad != kNoneBad) atomicMin(firstBad, bad);
  __syncwarp();
  sortWarp<Q>(keys);
  int count = 0;
#pragma unroll
  for (int q = 0; q < Q; ++q) {
    const int from = static_cast<int>(keys[q]) & (32 * Q - 1);
    float value = 0.0f;
#pragma unroll
    for (int p = 0; p < Q; ++p) {
      const float other = __shfl_sync(kAllLanes, values[p], from % 32);
      value = from / 32 == p ? other : value;
    }
    count += __popc(__ballot_sync(kAllLanes, place(keys[q], value, d, 32 * q + laneId(), piece)));
  }
  if (laneId() == 0) piece.count = count;
}

/** acc = fma(a, W_dec[f][e], acc) over the piece's features, for four columns from e on that lie 16-byte
 * aligned. */
__device__ __forceinline__ void gatherFour(const FeaturePiece& piece, const float* wDec, int64_t e,
                                           float4& acc) {
#pragma unroll 8
  for (int j = 0; j < piece.count; ++j) {
    const float4 w = __ldg(reinterpret_cast<const float4*>(wDec + piece.offset[j] + e));
    const float a = piece.value[j];
    acc.x = __fmaf_rn(a, w.x, acc.x);
    acc.y = __fmaf_rn(a, w.y, acc.y);
    acc.z = __fmaf_rn(a, w.z, acc.z);
    acc.w = __fmaf_rn(a, w.w, acc.w);
  }
}

/** The same for columns first, first + step, … as far as they are below d. */
__device__ __forceinline__ void gatherSingles(const FeaturePiece& piece, const float* wDec, int64_t first,
                                              int64_t step, int64_t d, float (&acc)[4]) {
#pragma unroll 2
  for (int j = 0; j < piece.count; ++j) {
    const float* w = wDec + piece.offset[j];
    const float a = piece.value[j];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int64_t e = first + i * step;
      if (e < d) acc[i] = __fmaf_rn(a, __ldg(w + e), acc[i]);
    }
  }
}

/** What stands behind the sum of a row: bias, the undone normalisation, and 0 for a row that has no
 * reconstruction. */
struct DecodeFinish {
  const float* bDec;  // [d]
  bool normalized;
  float shift;
  float scale;

  __device__ __forceinline__ float withBias(float acc, float bias) const {
    if (scale == 0.0f && shift == 0.0f) return 0.0f;
    acc = __fadd_rn(acc, bias);
    return normalized ? __fadd_rn(__fmul_rn(acc, scale), shift) : acc;
  }

  __device__ __forceinline__ float single(float acc, int64_t e) const {
    return withBias(acc, __ldg(bDec + e));
  }

  /** Of columns [e, e+4); b_dec + e begins on 16 bytes. */
  __device__ __forceinline__ float4 quad(float4 acc, int64_t e) const {
    const float4 bias = __ldg(reinterpret_cast<const float4*>(bDec + e));
    return {withBias(acc.x, bias.x), withBias(acc.y, bias.y), withBias(acc.z, bias.z),
            withBias(acc.w, bias.w)};
  }
};

}  // namespace coxswain
