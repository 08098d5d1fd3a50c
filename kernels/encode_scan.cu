// Encode: exact scores. A warp a feature, the canonical dot, float32 weights streamed once past L1.
//
// cox_encode_scan_R: scores of up to R = 1, 2, 4, 8 rows (grid y: groups of R) with all features. x is
// in shared memory, R·d·4 bytes; a lane has four 16-byte loads in flight, a warp 2 KiB. All loads of
// weights are coalesced, 16 sectors a request, and reads of shared memory have no bank conflicts.
// Traffic: F·d·4 bytes of weights once, 4·R·F bytes of scores, R·d·4 bytes of x a CTA from L2.
// Memory-bound up to 8 rows. 64, 72, 94 and 158 registers (sm_90: 70, 72, 92, 159).
//
// cox_encode_scan_R_any: where d is no multiple of 4 or the weights are not 16-byte aligned: single
// loads, coalesced too, eight in flight. 32 to 128 registers.
//
// cox_encode_rescore, cox_encode_rescore_any: canonical scores of a screen's survivors: a CTA a row and
// share of its list, a warp a survivor. Traffic: d·4 bytes a survivor, whole rows of weights, from L2
// where rows of x share them. 69 and 48 registers (sm_90: 70, 48).
//
// cox_encode_gather: rows of a subset of features brought together, a CTA a row, for the tiles of dots
// (explain_logits.cu) that score many rows with all features. Traffic: 8·d bytes a row. No spills.
#include <cstdint>

#include "common/dot.cuh"
#include "common/encode.cuh"
#include "common/order.cuh"
#include "common/reduce.cuh"

namespace coxswain {
namespace {

struct EncodeScanArgs {
  const float* w;          // [F, d]
  const float* b;          // [F]
  const int32_t* subset;   // [features] ascending feature numbers, or null: all F
  const float* x;          // [blockRows, stride] prepared, 0 beyond d
  const int32_t* rowList;  // [rows] numbers of the rows wanted, or null: 0, 1, …
  float* scores;           // [rows, features]
  int64_t features;
  int64_t d;
  int64_t stride;
  int64_t rows;
  int64_t run;  // 1 to 32 consecutive features of a warp, whose scores are stored together
};

__device__ __forceinline__ int64_t featureAt(const int32_t* subset, int64_t place) {
  return subset == nullptr ? place : subset[place];
}

template <int kRows, class Dots>
__device__ __forceinline__ void scanFeatures(const EncodeScanArgs& args) {
  extern __shared__ float4 shared4[];
  float* x = reinterpret_cast<float*>(shared4);
  const int64_t firstRow = static_cast<int64_t>(blockIdx.y) * kRows;
  const int64_t rows = min(static_cast<int64_t>(kRows), args.rows - firstRow);
  stageRows<kRows>(args.rowList == nullptr ? args.x + firstRow * args.stride : args.x,
                   args.rowList == nullptr ? nullptr : args.rowList + firstRow, rows, args.stride, args.d, x);
  const int64_t xStride = sharedRowStride(args.d);
  const int64_t warps = static_cast<int64_t>(gridDim.x) * (blockDim.x / 32);
  const int64_t warp = static_cast<int64_t>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
  for (int64_t first = warp * args.run; first < args.features; first += warps * args.run) {
    const int run = static_cast<int>(min(args.run, args.features - first));
    float kept[kRows] = {};  // lane i: the scores of feature first + i
    for (int i = 0; i < run; ++i) {
      float z[kRows];
      Dots::dots(args.w + featureAt(args.subset, first + i) * args.d, x, xStride, args.d, z);
#pragma unroll
      for (int r = 0; r < kRows; ++r) kept[r] = laneId() == i ? z[r] : kept[r];
    }
    if (laneId() >= run) continue;
    const int64_t place = first + laneId();
    const float b = args.b[featureAt(args.subset, place)];
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      if (r < rows) args.scores[(firstRow + r) * args.features + place] = __fadd_rn(kept[r], b);
    }
  }
}

struct EncodeRescoreArgs {
  const float* w;            // [F, d]
  const float* b;            // [F]
  const int32_t* subset;     // [features] or null
  const float* threshold;    // [features] or null
  const float* x;            // [rows, stride] prepared
  const int32_t* states;     // [rows] RowState; rows that are not kReady are left out
  const int32_t* counts;     // [rows] survivors
  const int32_t* survivors;  // [rows, capacity] places
  uint64_t* keys;            // [rows, capacity] order keys of the places; kNoKey where z ≤ max(θ, 0)
  int64_t d;
  int64_t stride;
  int64_t capacity;
};

template <class Dots>
__device__ __forceinline__ void rescoreRow(const EncodeRescoreArgs& args) {
  extern __shared__ float4 shared4[];
  float* x = reinterpret_cast<float*>(shared4);
  const int64_t row = blockIdx.x;
  const int warps = static_cast<int>(blockDim.x) / 32;
  const int64_t count = args.states[row] == static_cast<int32_t>(RowState::kReady) ? args.counts[row] : 0;
  if (static_cast<int64_t>(blockIdx.y) * warps >= count) return;
  stageRows<1>(args.x + row * args.stride, nullptr, 1, args.stride, args.d, x);
  const int32_t* survivors = args.survivors + row * args.capacity;
  uint64_t* keys = args.keys + row * args.capacity;
  for (int64_t i = static_cast<int64_t>(blockIdx.y) * warps + threadIdx.x / 32; i < count;
       i += gridDim.y * warps) {
    const int32_t place = survivors[i];
    const int64_t feature = featureAt(args.subset, place);
    float dot[1];
    Dots::dots(args.w + feature * args.d, x, sharedRowStride(args.d), args.d, dot);
    if (laneId() != 0) continue;
    const float z = __fadd_rn(dot[0], args.b[feature]);
    const bool active = z > 0.0f && (args.threshold == nullptr || z > args.threshold[place]);
    keys[i] = active ? orderKey(z, static_cast<uint32_t>(place)) : kNoKey;
  }
}

struct EncodeGatherArgs {
  const float* w;         // [F, d]
  const int32_t* subset;  // [rows] feature numbers
  float* out;             // [rows, d]
  int64_t d;
};

}  // namespace
}  // namespace coxswain

using namespace coxswain;

#define COX_SCAN(rows)                                                            \
  extern "C" __global__ void __launch_bounds__(256)                               \
      cox_encode_scan_##rows(const __grid_constant__ EncodeScanArgs args) {       \
    scanFeatures<rows, QuadDots>(args);                                           \
  }                                                                               \
  extern "C" __global__ void __launch_bounds__(256)                               \
      cox_encode_scan_##rows##_any(const __grid_constant__ EncodeScanArgs args) { \
    scanFeatures<rows, SingleDots>(args);                                         \
  }

COX_SCAN(1)
COX_SCAN(2)
COX_SCAN(4)
COX_SCAN(8)

extern "C" __global__ void __launch_bounds__(256)
    cox_encode_rescore(const __grid_constant__ EncodeRescoreArgs args) {
  rescoreRow<QuadDots>(args);
}

extern "C" __global__ void __launch_bounds__(256)
    cox_encode_rescore_any(const __grid_constant__ EncodeRescoreArgs args) {
  rescoreRow<SingleDots>(args);
}

extern "C" __global__ void __launch_bounds__(256)
    cox_encode_gather(const __grid_constant__ EncodeGatherArgs args) {
  const float* from = args.w + args.subset[blockIdx.x] * args.d;
  float* to = args.out + blockIdx.x * args.d;
  for (int64_t e = threadIdx.x; e < args.d; e += blockDim.x) to[e] = from[e];
}
