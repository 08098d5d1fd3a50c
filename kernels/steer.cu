// Steering of a batch of rows that may each have another plan, in one launch (docs/design.md, steering).
//
// CTA = up to 8 rows of one plan. The rows stay in shared memory as float32 from the load to the one rounding
// at the store, through all rules of the plan; each weight is loaded once for all of them, and not at all
// where no row has a coefficient for it. Whether a row is steered (`when`, finite) is decided on the device.
//
// Traffic: a plan's 2·m·d weights once a group, each row in and out once. The limit is the bandwidth of one
// SM a group, some 64 bytes a cycle: for plans beyond that there is steer_wide.cu.
#include "common/rows.cuh"
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

/** What a CTA keeps in shared memory beside the rows. */
template <int G>
struct SteerShared {
  RowTile tile;
  float* coefficients;  // [reads, G]
  int32_t* active;      // [reads]
};

struct RowNotes {
  int state[8];
  float total[8];  // Σv under ENFORCE
  ScaledNorm before[8];
  int activeCount;
  unsigned int saturated;
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

/** Evaluates the plan's condition for each row. */
template <int G>
__device__ void gateRows(const SteerPlan& plan, const SteerShared<G>& shared, RowNotes& notes) {
  readFeatures<G>(shared.tile, plan.conditionRead, plan.conditionBias, plan.conditionCount, threadIdx.x / 32,
                  kSteerWarps, shared.coefficients);
  __syncthreads();
  const int g = threadIdx.x;
  if (g < shared.tile.count && notes.state[g] == kAlive && !meets<G>(plan, shared.coefficients + g)) {
    notes.state[g] = kOff;
  }
  __syncthreads();
}

/** From the row's reads h to coefficients, 0 for rows that are not steered, and the active features. */
template <int G>
__device__ void weighFeatures(const SteerRule& rule, const SteerShared<G>& shared, RowNotes& notes,
                              uint32_t alive) {
  const SteerKind kind = static_cast<SteerKind>(rule.kind);
  const float strength = static_cast<float>(rule.strength);
  if (kind == kEnforce) {
    if (threadIdx.x < G)
      notes.total[threadIdx.x] = missingOf<G>(strength, rule.m, shared.coefficients + threadIdx.x);
    __syncthreads();
  }
  for (int64_t i = threadIdx.x; i < rule.m * G; i += kSteerThreads) {
    const int g = static_cast<int>(i % G);
    const float h = shared.coefficients[i];
    shared.coefficients[i] = (alive >> g & 1) != 0 ? coefficient(kind, strength, h, notes.total[g]) : 0.0f;
  }
  __syncthreads();
  if (threadIdx.x < 32) {
    const int count = collectActive<G>(shared.coefficients, rule.m, shared.active);
    if (threadIdx.x == 0) notes.activeCount = count;
  }
}

/** One rule on the rows of the tile. */
template <int G>
__device__ void applyRule(const SteerRule& rule, const SteerShared<G>& shared, RowNotes& notes,
                          uint32_t alive, uint32_t counted) {
  const RowTile& tile = shared.tile;
  const int warp = threadIdx.x / 32;
  const bool enforce = rule.kind == kEnforce && rule.m > 0;
  if (threadIdx.x == 0) notes.activeCount = 0;
  if (rule.m > 0) {
    readFeatures<G>(tile, rule.read, rule.readBias, rule.m, warp, kSteerWarps, shared.coefficients);
    __syncthreads();
    weighFeatures<G>(rule, shared, notes, alive);
  }
  if (enforce && warp < tile.count) {
    const ScaledNorm norm = normOf(tile.row(warp), tile.pitch);
    if (threadIdx.x % 32 == 0) notes.before[warp] = norm;
  }
  __syncthreads();
  uint32_t beyond = updateColumns<G>(tile, rule, shared.coefficients, shared.active, notes.activeCount,
                                     4 * static_cast<int>(threadIdx.x), 4 * kSteerThreads, counted);
  __syncthreads();
  if (enforce && warp < tile.count && notes.total[warp] > 0) {
    const ScaledNorm after = normOf(tile.row(warp), tile.pitch);
    if (after.value != 0) {
      uint32_t scaled =
          scaleColumns(tile.row(warp), tile, rescaling(notes.before[warp], after), threadIdx.x % 32, 32);
      if ((counted >> warp & 1) != 0) beyond += scaled;
    }
  }
  if (beyond != 0) atomicAdd(&notes.saturated, beyond);
  __syncthreads();
}

/** Steers a group of at most G rows. */
template <int G>
__device__ void steerGroup(const SteerArgs& args, const SteerGroup& group, float* memory, RowNotes& notes) {
  const SteerPlan& plan = *group.plan;
  SteerShared<G> shared{
      {memory, static_cast<int>(args.pitch), static_cast<int>(args.d), static_cast<int>(group.count)},
      nullptr,
      nullptr};
  shared.coefficients = memory + G * args.pitch;
  shared.active = reinterpret_cast<int32_t*>(shared.coefficients + args.reads * G);
  loadRows<G>(args, group, shared.tile, notes);
  __syncthreads();
  if (plan.conditionCount > 0) gateRows<G>(plan, shared, notes);
  const uint32_t alive = aliveRows(notes, shared.tile.count);
  if (alive != 0) {
    for (int64_t r = 0; r < plan.ruleCount; ++r) {
      applyRule<G>(plan.rules[r], shared, notes, alive, dtypeOf(args) == Dtype::kF32 ? alive : 0);
    }
  }
  storeRows(args, group, shared.tile, notes);
  __syncthreads();
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

/** Grid: a CTA a group. Shared memory: SteerLaunch.java. */
extern "C" __global__ void __launch_bounds__(coxswain::kSteerThreads)
    cox_steer(const __grid_constant__ coxswain::SteerArgs args) {
  extern __shared__ float4 memory[];
  __shared__ coxswain::RowNotes notes;
  float* floats = reinterpret_cast<float*>(memory);
  const coxswain::SteerGroup group = args.groups[blockIdx.x];
  if (threadIdx.x < 8) {
    notes.state[threadIdx.x] = coxswain::kAlive;
    notes.total[threadIdx.x] = 0;
  }
  if (threadIdx.x == 0) notes.saturated = 0;
  __syncthreads();
  if (group.plan == nullptr) {
    for (int g = 0; g < group.count; ++g) coxswain::copyRow(args, group, g);
  } else if (group.count == 1) {
    coxswain::steerGroup<1>(args, group, floats, notes);
  } else if (group.count <= 4) {
    coxswain::steerGroup<4>(args, group, floats, notes);
  } else {
    coxswain::steerGroup<8>(args, group, floats, notes);
  }
  if (threadIdx.x == 0) coxswain::publishCounts(args, group, notes);
}
