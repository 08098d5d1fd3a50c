// Steering of a batch of rows that may each have another plan, in one launch (docs/design.md, steering).
//
// CTA = up to 8 rows of one plan. The rows stay in shared memory as float32 from the load to the one rounding
// at the store, through all rules of the plan; each weight is loaded once for all of them, and not at all
// where no row has a coefficient for it. Whether a row is steered (`when`, finite) is decided on the device.
//
// Traffic: a plan's 2·m·d weights once a group, each row in and out once. The limit is the bandwidth of one
// SM a group, some 64 bytes a cycle: for plans beyond that there is steer_wide.cu.
// Resources (ptxas, sm_80 / sm_90): 168 / 168 registers, no spills, shared memory as SteerLaunch.java says.
#include "steer_group.cuh"

namespace coxswain {

/** What a CTA keeps in shared memory beside the rows. */
template <int G>
struct SteerShared {
  RowTile tile;
  float* coefficients;  // [reads, G]
  int32_t* active;      // [reads]
};

/** Evaluates the plan's condition for each row. */
template <int G>
__device__ void gateRows(const SteerPlan& plan, const SteerShared<G>& shared, RowNotes& notes) {
  readFeatures<G>(shared.tile, plan.conditionRead, plan.conditionBias, plan.conditionCount, threadIdx.x / 32,
                  kSteerWarps, shared.coefficients);
  __syncthreads();
  closeGates<G>(plan, shared.coefficients, shared.tile.count, notes);
  __syncthreads();
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
    weighFeatures<G>(rule, shared.coefficients, notes, alive);
    if (threadIdx.x < 32) {
      const int count = collectActive<G>(shared.coefficients, rule.m, shared.active);
      if (threadIdx.x == 0) notes.activeCount = count;
    }
  }
  if (enforce && warp < tile.count) {
    const ScaledNorm norm = normOf(tile.row(warp), tile.pitch);
    if (threadIdx.x % 32 == 0) notes.before[warp] = norm;
  }
  __syncthreads();
  uint32_t beyond = updateColumns<G>(tile, rule, shared.coefficients, shared.active, notes.activeCount,
                                     4 * static_cast<int>(threadIdx.x), 4 * kSteerThreads, counted);
  __syncthreads();
  if (enforce && warp < tile.count) {
    const uint32_t scaled = restoreNorm(tile, warp, notes);
    if ((counted >> warp & 1) != 0) beyond += scaled;
  }
  if (beyond != 0) atomicAdd(&notes.saturated, beyond);
  __syncthreads();
}

/** A copy of the rule for all threads: they would load its fields again and again. */
__device__ void takeRule(const SteerRule& from, SteerRule& rule) {
  if (threadIdx.x < sizeof(SteerRule) / 8) {
    reinterpret_cast<int64_t*>(&rule)[threadIdx.x] = reinterpret_cast<const int64_t*>(&from)[threadIdx.x];
  }
  __syncthreads();
}

/** Steers a group of at most G rows. */
template <int G>
__device__ void steerGroup(const SteerArgs& args, const SteerGroup& group, float* memory, SteerRule& rule,
                           RowNotes& notes) {
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
      takeRule(plan.rules[r], rule);
      applyRule<G>(rule, shared, notes, alive, dtypeOf(args) == Dtype::kF32 ? alive : 0);
    }
  }
  storeRows(args, group, shared.tile, notes);
  __syncthreads();
}

}  // namespace coxswain

/** Grid: a CTA a group. Shared memory: SteerLaunch.java. */
extern "C" __global__ void __launch_bounds__(coxswain::kSteerThreads)
    cox_steer(const __grid_constant__ coxswain::SteerArgs args) {
  extern __shared__ float4 memory[];
  __shared__ coxswain::RowNotes notes;
  __shared__ coxswain::SteerRule rule;
  float* floats = reinterpret_cast<float*>(memory);
  const coxswain::SteerGroup group = args.groups[blockIdx.x];
  notes.clear();
  __syncthreads();
  if (group.plan == nullptr) {
    for (int g = 0; g < group.count; ++g) coxswain::copyRow(args, group, g);
  } else if (group.count == 1) {
    coxswain::steerGroup<1>(args, group, floats, rule, notes);
  } else if (group.count <= 4) {
    coxswain::steerGroup<4>(args, group, floats, rule, notes);
  } else {
    coxswain::steerGroup<8>(args, group, floats, rule, notes);
  }
  if (threadIdx.x == 0) coxswain::publishCounts(args, group, notes);
}
