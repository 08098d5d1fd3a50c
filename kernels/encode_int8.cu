// Encode: near scores of few rows from int8 weights, a quarter of the float32 bytes
// (common/screen.cuh).
//
// cox_screen_int8_G: rows in G = 1, 2, 4 groups of four. A warp has 16 features: lane l loads 16 bytes
// of features l/4 and l/4 + 8 straight into the A fragments of mma.sync m16n8k32, 64 bytes of each
// feature at a time and four such loads in flight (4 KiB a warp). That permutes k within each 64, and x
// is read in the same order: its 16 bytes at the same offset are the B fragments. A column is one byte
// plane of one row of x, so that the high and low sums of a row meet in one lane; both are exact in 32
// bits for d ≤ 2^17.
//
// Traffic: F·dPadded bytes of weights once, past L1, 16 sectors a request; 4·F bytes of scores a row in
// whole sectors; 8·G·dPadded bytes of x a CTA from L2. Shared memory: 8·G·(dPadded + 64) bytes; columns
// begin 64 bytes apart modulo 128, so that reads of 16 bytes have no bank conflicts. Memory-bound. 128
// registers at most (sm_80: 100, 116, 96; sm_90: 104, 118, 128), no spills.
#include <cstdint>

#include "common/ptx.cuh"
#include "common/reduce.cuh"
#include "common/screen.cuh"

namespace coxswain {
namespace {

struct ScreenInt8Args {
  const int8_t* weights;     // [padded to 16, dPadded]
  const float* weightScale;  // [padded to 16]
  const int8_t* rowPlanes;   // [rows, 2, dPadded]
  const float* rowScale;     // [rows]
  float* scores;             // [rows, features]
  int64_t features;
  int64_t rows;     // 1 to 4·G
  int64_t dPadded;  // a multiple of 64
};

/** Columns of x in shared memory begin this far apart: 64 modulo 128. */
__device__ __forceinline__ int64_t columnStride(int64_t dPadded) {
  return dPadded % 128 == 0 ? dPadded + 64 : dPadded;
}

template <int kColumns>
__device__ __forceinline__ void stageColumns(const ScreenInt8Args& args, int8_t* shared) {
  const int64_t stride = columnStride(args.dPadded);
#pragma unroll
  for (int column = 0; column < kColumns; ++column) {
    const bool used = column < 2 * args.rows;
    const int8_t* plane = args.rowPlanes + (used ? column : 0) * args.dPadded;
    for (int64_t e = 16 * threadIdx.x; e < args.dPadded; e += 16 * blockDim.x) {
      const uint4 bytes = used ? *reinterpret_cast<const uint4*>(plane + e) : uint4{0, 0, 0, 0};
      *reinterpret_cast<uint4*>(shared + column * stride + e) = bytes;
    }
  }
  __syncthreads();
}

/** kChunks times 64 bytes of two features a lane, by all columns. */
template <int kGroups, int kChunks>
__device__ __forceinline__ void multiply(const int8_t* first, const int8_t* second, const int8_t* x,
                                         int64_t xStride, int32_t (&acc)[kGroups][4]) {
  uint4 a[kChunks];
  uint4 b[kChunks];
#pragma unroll
  for (int c = 0; c < kChunks; ++c) {
    a[c] = loadStream16(first + 64 * c);
    b[c] = loadStream16(second + 64 * c);
  }
#pragma unroll
  for (int c = 0; c < kChunks; ++c) {
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      const uint4 column = *reinterpret_cast<const uint4*>(x + 8 * g * xStride + 64 * c);
      mmaS8(acc[g], a[c].x, b[c].x, a[c].y, b[c].y, column.x, column.y);
      mmaS8(acc[g], a[c].z, b[c].z, a[c].w, b[c].w, column.z, column.w);
    }
  }
}

/** high and low: sums of one feature with the two planes of a row. */
__device__ __forceinline__ float scoreOf(int32_t high, int32_t low, float rowScale, float weightScale) {
  const float sum = __ll2float_rn(256 * static_cast<int64_t>(high) + low);
  return __fmul_rn(__fmul_rn(sum, rowScale), weightScale);
}

template <int kGroups>
__device__ __forceinline__ void storeScores(const ScreenInt8Args& args, int64_t feature,
                                            const int32_t (&acc)[kGroups][4]) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int64_t f = feature + 8 * half;
    if (f >= args.features) continue;
    const float scale = args.weightScale[f];
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      const int64_t row = 4 * g + laneId() % 4;
      if (row >= args.rows) continue;
      args.scores[row * args.features + f] =
          scoreOf(acc[g][2 * half], acc[g][2 * half + 1], args.rowScale[row], scale);
    }
  }
}

template <int kGroups>
__device__ __forceinline__ void scanInt8(const ScreenInt8Args& args) {
  extern __shared__ uint4 shared4[];
  int8_t* columns = reinterpret_cast<int8_t*>(shared4);
  stageColumns<8 * kGroups>(args, columns);
  const int64_t xStride = columnStride(args.dPadded);
  const int8_t* x = columns + laneId() / 4 * xStride + 16 * (laneId() % 4);
  const int64_t warps = static_cast<int64_t>(gridDim.x) * (blockDim.x / 32);
  const int64_t tiles = (args.features + 15) / 16;
  for (int64_t tile = static_cast<int64_t>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32; tile < tiles;
       tile += warps) {
    const int64_t feature = 16 * tile + laneId() / 4;
    const int8_t* first = args.weights + feature * args.dPadded + 16 * (laneId() % 4);
    const int8_t* second = first + 8 * args.dPadded;
    int32_t acc[kGroups][4] = {};
    int64_t e = 0;
    for (; e + 256 <= args.dPadded; e += 256)
      multiply<kGroups, 4>(first + e, second + e, x + e, xStride, acc);
    for (; e < args.dPadded; e += 64) multiply<kGroups, 1>(first + e, second + e, x + e, xStride, acc);
    storeScores(args, feature, acc);
  }
}

}  // namespace
}  // namespace coxswain

using namespace coxswain;

extern "C" __global__ void __launch_bounds__(256, 2)
    cox_screen_int8_1(const __grid_constant__ ScreenInt8Args args) {
  scanInt8<1>(args);
}

extern "C" __global__ void __launch_bounds__(256, 2)
    cox_screen_int8_2(const __grid_constant__ ScreenInt8Args args) {
  scanInt8<2>(args);
}

extern "C" __global__ void __launch_bounds__(256, 2)
    cox_screen_int8_4(const __grid_constant__ ScreenInt8Args args) {
  scanInt8<4>(args);
}
