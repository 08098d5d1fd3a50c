// A group of rows that one plan steers: in from x, out to y, and counted. What steer.cu and steer_wide.cu
// share.
#pragma once

#include "steer_row.cuh"

namespace coxswain {

/** Longs on the device; the first four positions are also SteerKernel.java's. */
enum SteerCounter { kSteered, kGatedOff, kNonFinite, kSaturated, kFinishedCtas, kSteerCounters };

struct SteerArgs {
  const char* x;  // [n] rows of d elements of dtype, xStride bytes apart
  int64_t xStride;
  char* y;  // as x; equal to x or apart from it
  int64_t yStride;
  int64_t dtype;
  int64_t d;
  int64_t pitch;                 // floats from a row of weights to the next: d rounded up to a multiple of 8
  const SteerGroup* groups;      // [gridDim.x]
  const int32_t* rows;           // rows of x, group by group
  int64_t reads;                 // most m of a rule or condition of these plans
  unsigned long long* counters;  // [kSteerCounters] running sums; kFinishedCtas is 0 between launches
  long long* mirror;             // [kSteerCounters] memory that the host sees: the sums as the latest launch
                                 // left them, and last of all its number
  int64_t number;                // of this launch
};

enum RowState : int { kAlive, kOff, kBroken };

struct RowNotes {
  int state[8];
  float total[8];  // Σv under ENFORCE
  ScaledNorm before[8];
  int activeCount;
  unsigned int saturated;

  /** With all threads of a block; a barrier must follow. */
  __device__ void clear() {
    if (threadIdx.x < 8) {
      state[threadIdx.x] = kAlive;
      total[threadIdx.x] = 0;
    }
    if (threadIdx.x == 0) saturated = 0;
  }
};

__device__ inline Dtype dtypeOf(const SteerArgs& args) { return static_cast<Dtype>(args.dtype); }

__device__ inline const char* rowOfX(const SteerArgs& args, const SteerGroup& group, int g) {
  return args.x + args.rows[group.first + g] * args.xStride;
}

__device__ inline char* rowOfY(const SteerArgs& args, const SteerGroup& group, int g) {
  return args.y + args.rows[group.first + g] * args.yStride;
}

/** Copies row g of the group bit for bit, with the CTA's threads. */
__device__ void copyRow(const SteerArgs& args, const SteerGroup& group, int g) {
  const char* in = rowOfX(args, group, g);
  char* out = rowOfY(args, group, g);
  if (in == out) return;
  const int64_t bytes = args.d * dtypeBytes(dtypeOf(args));
  int64_t done = 0;
  if (stridesAligned16(in, reinterpret_cast<int64_t>(out))) {
    done = bytes / 16 * 16;
    for (int64_t i = threadIdx.x; i < bytes / 16; i += kSteerThreads) {
      reinterpret_cast<uint4*>(out)[i] = reinterpret_cast<const uint4*>(in)[i];
    }
  }
  for (int64_t i = done / 2 + threadIdx.x; i < bytes / 2; i += kSteerThreads) {
    reinterpret_cast<uint16_t*>(out)[i] = reinterpret_cast<const uint16_t*>(in)[i];
  }
}

/** Widens the group's rows into the tile and marks those that are not finite. */
template <int G>
__device__ void loadRows(const SteerArgs& args, const SteerGroup& group, const RowTile& tile,
                         RowNotes& notes) {
  const bool aligned = stridesAligned16(args.x, args.xStride);
  for (int g = 0; g < G; ++g) {
    const char* in = g < tile.count ? rowOfX(args, group, g) : nullptr;
    for (int e = 4 * threadIdx.x; e < tile.pitch; e += 4 * kSteerThreads) {
      float4 v{0.0f, 0.0f, 0.0f, 0.0f};
      if (in != nullptr) v = loadFour(in, dtypeOf(args), e, tile.d, aligned);
      if (!isFinite(v)) atomicExch(&notes.state[g], kBroken);
      *reinterpret_cast<float4*>(tile.row(g) + e) = v;
    }
  }
}

/** Rounds the rows that were steered to y, and copies the others. */
__device__ void storeRows(const SteerArgs& args, const SteerGroup& group, const RowTile& tile,
                          RowNotes& notes) {
  const bool aligned = stridesAligned16(args.y, args.yStride);
  uint32_t beyond = 0;
  for (int g = 0; g < tile.count; ++g) {
    if (notes.state[g] != kAlive) {
      copyRow(args, group, g);
      continue;
    }
    char* out = rowOfY(args, group, g);
    for (int e = 4 * threadIdx.x; e < tile.d; e += 4 * kSteerThreads) {
      const float4 v = *reinterpret_cast<const float4*>(tile.row(g) + e);
      beyond += storeFour(v, out, dtypeOf(args), e, tile.d, aligned);
    }
  }
  // Float32 rows were clamped after each rule, and counted there.
  if (beyond != 0) atomicAdd(&notes.saturated, beyond);
}

/** Which of the tile's rows are steered, as bits; the same in every thread between barriers. */
__device__ inline uint32_t aliveRows(const RowNotes& notes, int count) {
  uint32_t alive = 0;
  for (int g = 0; g < count; ++g) alive |= notes.state[g] == kAlive ? 1u << g : 0;
  return alive;
}

/** Coefficients of the group's rows from their reads h: 0 for rows that are not steered. With all threads. */
template <int G>
__device__ void weighFeatures(const SteerRule& rule, float* coefficients, RowNotes& notes, uint32_t alive) {
  const SteerKind kind = static_cast<SteerKind>(rule.kind);
  const float strength = static_cast<float>(rule.strength);
  if (kind == kEnforce) {
    if (threadIdx.x < G)
      notes.total[threadIdx.x] = missingOf<G>(strength, rule.m, coefficients + threadIdx.x);
    __syncthreads();
  }
  for (int64_t i = threadIdx.x; i < rule.m * G; i += kSteerThreads) {
    const int g = static_cast<int>(i % G);
    coefficients[i] =
        (alive >> g & 1) != 0 ? coefficient(kind, strength, coefficients[i], notes.total[g]) : 0.0f;
  }
  __syncthreads();
}

/** Closes the gate to rows that do not meet the plan's condition, whose reads are g; a thread a row. */
template <int G>
__device__ void closeGates(const SteerPlan& plan, const float* g, int count, RowNotes& notes) {
  const int row = threadIdx.x;
  if (row < count && notes.state[row] == kAlive && !meets<G>(plan, g + row)) notes.state[row] = kOff;
}

/** Brings row g back to the norm it had before an ENFORCE; one warp. Returns how many elements left float32.
 */
__device__ inline uint32_t restoreNorm(const RowTile& tile, int g, const RowNotes& notes) {
  if (!(notes.total[g] > 0)) return 0;
  const ScaledNorm after = normOf(tile.row(g), tile.pitch);
  if (after.value == 0) return 0;
  return scaleColumns(tile.row(g), tile, rescaling(notes.before[g], after), laneId(), 32);
}

/** One thread: adds the CTA's counts, and where it is the launch's last one shows the sums to the host. */
__device__ void publishCounts(const SteerArgs& args, const SteerGroup& group, const RowNotes& notes) {
  unsigned int states[3] = {0, 0, 0};
  for (int g = 0; group.plan != nullptr && g < group.count; ++g) {
#pragma unroll
    for (int s = 0; s < 3; ++s) states[s] += notes.state[g] == s ? 1 : 0;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const unsigned int count = i < 3 ? states[i] : notes.saturated;
    if (count != 0) atomicAdd(&args.counters[i], static_cast<unsigned long long>(count));
  }
  __threadfence();
  if (atomicAdd(&args.counters[kFinishedCtas], 1ull) + 1 < gridDim.x) return;
  __threadfence();
  volatile long long* mirror = args.mirror;
  for (int i = 0; i < 4; ++i) mirror[i] = static_cast<long long>(atomicAdd(&args.counters[i], 0ull));
  atomicExch(&args.counters[kFinishedCtas], 0ull);
  __threadfence_system();
  mirror[kFinishedCtas] = args.number;
}

}  // namespace coxswain
