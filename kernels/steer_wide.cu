// Steering by one plan that reads more features, or wider rows, than one block can do well (docs/design.md,
// steering): a launch a phase, each over the whole device, with rows and coefficients in global memory
// between them. The phases of a plan follow one another on a stream: open, for the condition and each rule
// {read, weigh, update, rescale}, close.
//
// Traffic: a plan's 2·m·d weights once for every 8 rows, from DRAM or L2; rows and coefficients stay in L2.
// The limit is the memory's bandwidth for the weights, and some 3 µs a launch.
// Resources (ptxas, sm_80 / sm_90): read 134 / 134, update 65 / 77, others at most 40 / 56 registers, no
// spills.
#include "steer_group.cuh"

namespace coxswain {

static_assert(sizeof(RowNotes) == 136, "SteerWide.java makes room for it");

/** Rows of a group, and of its tile. */
constexpr int kGroup = 8;

/** The rule that stands for the plan's condition. */
constexpr int64_t kCondition = -1;

struct SteerWideArgs {
  SteerArgs base;       // groups of one plan, and never of none
  float* tiles;         // [groups, kGroup, pitch] rows in float32
  float* coefficients;  // [groups, reads, kGroup]
  int32_t* active;      // [groups, reads]
  RowNotes* notes;      // [groups]
  int64_t rule;         // of read to rescale
};

/** The group that a block works on. */
struct WideGroup {
  int64_t number;
  SteerGroup group;
  RowTile tile;
  float* coefficients;
  int32_t* active;
  RowNotes& notes;

  __device__ WideGroup(const SteerWideArgs& args, int64_t number)
      : number(number),
        group(args.base.groups[number]),
        tile{args.tiles + number * kGroup * args.base.pitch, static_cast<int>(args.base.pitch),
             static_cast<int>(args.base.d), static_cast<int>(group.count)},
        coefficients(args.coefficients + number * args.base.reads * kGroup),
        active(args.active + number * args.base.reads),
        notes(args.notes[number]) {}
};

}  // namespace coxswain

using namespace coxswain;

/** Rows into their tile. Grid: groups. */
extern "C" __global__ void __launch_bounds__(kSteerThreads)
    cox_steer_wide_open(const __grid_constant__ SteerWideArgs args) {
  const WideGroup wide(args, blockIdx.x);
  wide.notes.clear();
  __syncthreads();
  loadRows<kGroup>(args.base, wide.group, wide.tile, wide.notes);
}

/** Reads of the rule or the condition. Grid: (blocks of features, groups). */
extern "C" __global__ void __launch_bounds__(kSteerThreads)
    cox_steer_wide_read(const __grid_constant__ SteerWideArgs args) {
  const WideGroup wide(args, blockIdx.y);
  const SteerPlan& plan = *wide.group.plan;
  const bool condition = args.rule == kCondition;
  const float* vectors = condition ? plan.conditionRead : plan.rules[args.rule].read;
  const float* bias = condition ? plan.conditionBias : plan.rules[args.rule].readBias;
  const int64_t m = condition ? plan.conditionCount : plan.rules[args.rule].m;
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kSteerWarps + threadIdx.x / 32;
  readFeatures<kGroup>(wide.tile, vectors, bias, m, first, static_cast<int64_t>(gridDim.x) * kSteerWarps,
                       wide.coefficients);
}

/** From reads to coefficients, or to gates. Grid: groups. */
extern "C" __global__ void __launch_bounds__(kSteerThreads)
    cox_steer_wide_weigh(const __grid_constant__ SteerWideArgs args) {
  const WideGroup wide(args, blockIdx.x);
  if (args.rule == kCondition) {
    closeGates<kGroup>(*wide.group.plan, wide.coefficients, wide.tile.count, wide.notes);
    return;
  }
  const SteerRule& rule = wide.group.plan->rules[args.rule];
  weighFeatures<kGroup>(rule, wide.coefficients, wide.notes, aliveRows(wide.notes, wide.tile.count));
  const int warp = threadIdx.x / 32;
  if (rule.kind == kEnforce && warp < wide.tile.count) {
    const ScaledNorm norm = normOf(wide.tile.row(warp), wide.tile.pitch);
    if (laneId() == 0) wide.notes.before[warp] = norm;
  }
  if (warp == kSteerWarps - 1) {
    const int count = collectActive<kGroup>(wide.coefficients, rule.m, wide.active);
    if (laneId() == 0) wide.notes.activeCount = count;
  }
}

/** Coefficients, and the constant, onto the rows. Grid: (blocks of columns, groups). */
extern "C" __global__ void __launch_bounds__(kSteerThreads)
    cox_steer_wide_update(const __grid_constant__ SteerWideArgs args) {
  const WideGroup wide(args, blockIdx.y);
  const SteerRule& rule = wide.group.plan->rules[args.rule];
  const uint32_t counted = dtypeOf(args.base) == Dtype::kF32 ? aliveRows(wide.notes, wide.tile.count) : 0;
  const int columns = 4 * kSteerThreads;
  const uint32_t beyond = updateColumns<kGroup>(wide.tile, rule, wide.coefficients, wide.active,
                                                rule.m > 0 ? wide.notes.activeCount : 0,
                                                static_cast<int>(blockIdx.x * columns + 4 * threadIdx.x),
                                                static_cast<int>(gridDim.x) * columns, counted);
  if (beyond != 0) atomicAdd(&wide.notes.saturated, beyond);
}

/** Norms as before an ENFORCE. Grid: groups. */
extern "C" __global__ void __launch_bounds__(kSteerThreads)
    cox_steer_wide_rescale(const __grid_constant__ SteerWideArgs args) {
  const WideGroup wide(args, blockIdx.x);
  const int warp = threadIdx.x / 32;
  if (warp >= wide.tile.count) return;
  const uint32_t beyond = restoreNorm(wide.tile, warp, wide.notes);
  const bool counted = dtypeOf(args.base) == Dtype::kF32 && wide.notes.state[warp] == kAlive;
  if (counted && beyond != 0) atomicAdd(&wide.notes.saturated, beyond);
}

/** Rows out, and counted. Grid: groups. */
extern "C" __global__ void __launch_bounds__(kSteerThreads, 2)
    cox_steer_wide_close(const __grid_constant__ SteerWideArgs args) {
  const WideGroup wide(args, blockIdx.x);
  storeRows(args.base, wide.group, wide.tile, wide.notes);
  __syncthreads();
  if (threadIdx.x == 0) publishCounts(args.base, wide.group, wide.notes);
}
