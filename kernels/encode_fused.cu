// Encode: near scores of many rows by tensor cores, compared with the rows' thresholds before they
// leave the registers (common/screen.cuh). The path without cuBLAS; F × n is never stored.
//
// cox_screen_fused: a CTA has 128 rows × 128 features, four warps of 64 × 64 in mma.sync m16n8k16
// bfloat16. Both operands go through shared memory in stages of 32 elements, three stages by 16-byte
// cp.async. A row of a stage is 64 bytes; its four 16-byte chunks are permuted by (row / 2) mod 4, so
// that the eight rows of an ldmatrix matrix lie in eight different groups of banks: no conflicts.
// Epilogue: U ≥ max(τ, θ) appends (U, L, place) to the row's list by an atomic count; what is beyond
// the capacity is only counted.
//
// Grid (rows / 128, features / 128): rows run fastest, so that CTAs at work together share weights in
// L2. Traffic from L2: 1/32 byte a multiply-add. Bound by mma.sync: 60 to 65 % of an H100's peak; on
// sm_80 to sm_89 it is the native path. Shared memory 48 KiB, 245 registers (246 on sm_90), 2 CTAs a
// multiprocessor, no spills.
#include <cstdint>

#include "common/ptx.cuh"
#include "common/reduce.cuh"
#include "common/screen.cuh"

namespace coxswain {
namespace {

constexpr int kTile = 128;  // rows, and features
constexpr int kDepth = 32;  // elements of a stage
constexpr int kStages = 3;
constexpr int kOperandBytes = kTile * kDepth * 2;
constexpr int kStageBytes = 2 * kOperandBytes;  // rows, then weights
constexpr int kThreads = 128;

struct ScreenFusedArgs {
  const void* rowPlane;      // [rows, dPadded] bfloat16
  const void* weightPlane;   // [features, dPadded] bfloat16
  const float* b;            // [F]
  const int32_t* subset;     // [places] feature numbers, or null
  const float* threshold;    // [places] θ, or null
  const float* weightNorm;   // [features]
  const float* weightError;  // [features]
  const float* rowBound;     // [rows]
  const float* rowNorm;      // [rows]
  const float* least;        // [rows] τ
  int32_t* counts;           // [rows]
  float* bounds;             // [rows, 2, capacity]
  int32_t* places;           // [rows, capacity]
  int64_t first;             // place of the first feature
  int64_t features;
  int64_t rows;
  int64_t dPadded;  // a multiple of 32
  int64_t capacity;
};

/** Where 16-byte chunk 0 … 3 of a row of a stage lies. */
__device__ __forceinline__ uint32_t chunkOffset(uint32_t row, uint32_t chunk) {
  return row * 64 + ((chunk ^ (row >> 1)) & 3) * 16;
}

/** One operand's next elements into a stage; rows beyond `rows` as zeros. */
__device__ __forceinline__ void copyOperand(uint32_t shared, const char* plane, int64_t firstRow,
                                            int64_t rows, int64_t rowBytes, int64_t offset) {
#pragma unroll
  for (int i = 0; i < kTile * 4 / kThreads; ++i) {
    const uint32_t row = (threadIdx.x + i * kThreads) / 4;
    const uint32_t chunk = threadIdx.x % 4;
    const bool there = firstRow + row < rows;
    const char* source = plane + (there ? firstRow + row : 0) * rowBytes + offset + 16 * chunk;
    copyAsync16(shared + chunkOffset(row, chunk), source, there ? 16 : 0);
  }
}

__device__ __forceinline__ void copyStage(const ScreenFusedArgs& args, uint32_t shared, int64_t step) {
  if (step * kDepth < args.dPadded) {
    const uint32_t stage = shared + static_cast<uint32_t>(step % kStages) * kStageBytes;
    const int64_t rowBytes = 2 * args.dPadded;
    const int64_t offset = 2 * kDepth * step;
    copyOperand(stage, static_cast<const char*>(args.rowPlane), static_cast<int64_t>(blockIdx.x) * kTile,
                args.rows, rowBytes, offset);
    copyOperand(stage + kOperandBytes, static_cast<const char*>(args.weightPlane),
                static_cast<int64_t>(blockIdx.y) * kTile, args.features, rowBytes, offset);
  }
  copyAsyncCommit();
}

/** A warp's 64 × 64: [16 rows each][8 features each]. */
using Accumulators = float[4][8][4];

__device__ __forceinline__ void multiplyStage(uint32_t stage, int warpRow, int warpFeature,
                                              Accumulators& acc) {
  const uint32_t lane = static_cast<uint32_t>(laneId());
#pragma unroll
  for (uint32_t half = 0; half < 2; ++half) {
    uint32_t a[4][4];
    uint32_t b[4][4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      // Matrices: rows 0 to 7 and 8 to 15 of the low eight elements, then of the high eight.
      const uint32_t row = static_cast<uint32_t>(warpRow) + 16 * i + lane % 16;
      loadMatrix4(stage + chunkOffset(row, 2 * half + lane / 16), a[i]);
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      // Matrices: features 0 to 7 low and high, then features 8 to 15 low and high.
      const uint32_t row = static_cast<uint32_t>(warpFeature) + 16 * i + lane / 16 * 8 + lane % 8;
      loadMatrix4(stage + kOperandBytes + chunkOffset(row, 2 * half + lane / 8 % 2), b[i]);
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
#pragma unroll
      for (int j = 0; j < 8; ++j) mmaBf16(acc[i][j], a[i], b[j / 2][2 * (j % 2)], b[j / 2][2 * (j % 2) + 1]);
    }
  }
}

/** What the epilogue needs, in the stages' memory. */
struct FusedShared {
  float rowBound[kTile];
  float rowNorm[kTile];
  float least[kTile];  // off beyond the last row
  float norm[kTile];
  float error[kTile];
  float b[kTile];
  float theta[kTile];  // +NaN beyond the last feature: nothing compares with it
};

__device__ __forceinline__ void stageBounds(const ScreenFusedArgs& args, FusedShared& shared) {
  const int i = static_cast<int>(threadIdx.x);
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kTile + i;
  const int64_t feature = static_cast<int64_t>(blockIdx.y) * kTile + i;
  const bool rowThere = row < args.rows;
  const bool featureThere = feature < args.features;
  const int64_t place = args.first + feature;
  shared.rowBound[i] = rowThere ? args.rowBound[row] : 0.0f;
  shared.rowNorm[i] = rowThere ? args.rowNorm[row] : 0.0f;
  shared.least[i] = rowThere ? args.least[row] : offThreshold();
  shared.norm[i] = featureThere ? args.weightNorm[feature] : 0.0f;
  shared.error[i] = featureThere ? args.weightError[feature] : 0.0f;
  shared.b[i] = featureThere ? args.b[args.subset == nullptr ? place : args.subset[place]] : 0.0f;
  const float theta = featureThere && args.threshold != nullptr ? args.threshold[place] : 0.0f;
  shared.theta[i] = featureThere ? theta : offThreshold();
}

__device__ __forceinline__ void offer(const ScreenFusedArgs& args, const FusedShared& shared, int row,
                                      int feature, float score) {
  const Bounds bounds = boundsOf(score, shared.rowBound[row], shared.rowNorm[row], shared.norm[feature],
                                 shared.error[feature], shared.b[feature]);
  if (!(bounds.upper >= shared.least[row] && bounds.upper >= shared.theta[feature])) return;
  const int64_t list = static_cast<int64_t>(blockIdx.x) * kTile + row;
  const int32_t at = atomicAdd(args.counts + list, 1);
  if (at >= args.capacity) return;
  const CandidateList candidates = candidateList(args.bounds, args.places, list, args.capacity);
  candidates.upper[at] = bounds.upper;
  candidates.lower[at] = bounds.lower;
  candidates.place[at] =
      static_cast<int32_t>(args.first + static_cast<int64_t>(blockIdx.y) * kTile + feature);
}

__device__ __forceinline__ void screenTile(const ScreenFusedArgs& args) {
  extern __shared__ uint4 shared4[];
  const uint32_t shared = sharedAddress(shared4);
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int warpRow = warp / 2 * 64;
  const int warpFeature = warp % 2 * 64;
  Accumulators acc = {};
  const int64_t steps = args.dPadded / kDepth;
#pragma unroll
  for (int step = 0; step < kStages - 1; ++step) copyStage(args, shared, step);
  for (int64_t step = 0; step < steps; ++step) {
    copyAsyncWait<kStages - 2>();
    __syncthreads();
    copyStage(args, shared, step + kStages - 1);
    multiplyStage(shared + static_cast<uint32_t>(step % kStages) * kStageBytes, warpRow, warpFeature, acc);
  }
  copyAsyncWait<0>();
  __syncthreads();
  FusedShared& bounds = *reinterpret_cast<FusedShared*>(shared4);
  stageBounds(args, bounds);
  __syncthreads();
  const int row = warpRow + laneId() / 4;
  const int feature = warpFeature + laneId() % 4 * 2;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
#pragma unroll
    for (int j = 0; j < 8; ++j) {
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        offer(args, bounds, row + 16 * i + c / 2 * 8, feature + 8 * j + c % 2, acc[i][j][c]);
      }
    }
  }
}

}  // namespace
}  // namespace coxswain

using namespace coxswain;

extern "C" __global__ void __launch_bounds__(kThreads, 2)
    cox_screen_fused(const __grid_constant__ ScreenFusedArgs args) {
  screenTile(args);
}
