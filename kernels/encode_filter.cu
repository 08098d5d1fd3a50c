// Encode: from near scores to the few features that may be active (common/screen.cuh). A CTA a list of
// candidates; only it touches the list, so the list's contents and order are always the same.
//
// cox_screen_filter: streams the scores of a panel of features into the lists of the rows, against each
// list's rising threshold τ. Grid (rows, lists): with few rows a row's features are shared out to
// several lists. Traffic: 4 bytes a score from L2, where the product has just put them, and 12 bytes a
// feature of norms and bias, shared by all rows; lists weigh little. 64 registers.
//
// cox_screen_merge: brings a row's lists together. 64 and 48 registers.
//
// cox_screen_tighten: for lists that cox_screen_fused has appended to; their order is then any, their
// set the same. 29 and 32 registers.
//
// τ is the k-th largest lower bound of a list, found by three radix passes over it when it is full and
// at the end of a panel. Shared memory 8.1 KiB. The atomics that count bounds in bins serialise where
// many share one. No spills (sm_80, sm_90).
#include <cstdint>

#include "common/reduce.cuh"
#include "common/screen.cuh"
#include "common/select.cuh"

namespace coxswain {
namespace {

/** Candidates that a thread looks at before the CTA makes room for them. */
constexpr int kItems = 4;

/** A list at work. */
struct Candidates {
  CandidateList list;
  int64_t capacity;
  int64_t limit;   // k
  uint32_t count;  // the same in all threads
  float least;     // τ, likewise
};

/** Lower bounds above the τ there is. */
struct LowerSource {
  const float* lower;
  float least;
  int64_t count;

  __device__ __forceinline__ uint64_t key(int64_t i) const {
    return lower[i] > least ? orderKey(lower[i], static_cast<uint32_t>(i)) : kNoKey;
  }
};

/** Drops what no longer reaches τ, keeping the order. */
__device__ __forceinline__ void compact(Candidates& c, SearchShared& shared) {
  uint32_t kept = 0;
  for (uint32_t base = 0; base < c.count; base += blockDim.x) {
    const uint32_t i = base + threadIdx.x;
    const bool there = i < c.count;
    const float upper = there ? c.list.upper[i] : 0.0f;
    const float lower = there ? c.list.lower[i] : 0.0f;
    const int32_t place = there ? c.list.place[i] : 0;
    const bool keep = there && !(upper < c.least);
    const uint32_t ballot = __ballot_sync(kAllLanes, keep);
    uint32_t before;
    const uint32_t total = ctaSum(__popc(ballot), shared.warps, &before);
    if (keep) {
      const uint32_t to = kept + before + lanesBelow(ballot);
      c.list.upper[to] = upper;
      c.list.lower[to] = lower;
      c.list.place[to] = place;
    }
    kept += total;
  }
  c.count = kept;
  __syncthreads();
}

/** Raises τ to the limit-th largest lower bound, where the list has as many. */
__device__ __forceinline__ void tighten(Candidates& c, SearchShared& shared) {
  __syncthreads();
  if (c.count <= c.limit) return;
  const LowerSource lowers{c.list.lower, c.least, c.count};
  if (countKeys(lowers, shared) < c.limit) return;
  const uint32_t limit = static_cast<uint32_t>(c.limit);
  c.least = keyScore(findCutoff<true>(lowers, limit, limit, shared));
  __syncthreads();
  compact(c, shared);
}

struct Candidate {
  float upper;
  float lower;
  int32_t place;
};

/** Adds those of the source that reach τ; false where they are more than the list has room for. */
template <class Source>
__device__ __forceinline__ bool appendAll(const Source& source, Candidates& c, SearchShared& shared) {
  for (int64_t base = 0; base < source.count; base += kItems * blockDim.x) {
    Candidate item[kItems];
    bool taken[kItems];
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      const int64_t i = base + j * blockDim.x + threadIdx.x;
      taken[j] = i < source.count;
      item[j] = taken[j] ? source.load(i) : Candidate{};
      taken[j] = taken[j] && source.mayBeActive(i, item[j].upper);
    }
    for (bool tightened = false;; tightened = true) {
      uint32_t ballots[kItems];
      uint32_t ofWarp = 0;
#pragma unroll
      for (int j = 0; j < kItems; ++j) {
        ballots[j] = __ballot_sync(kAllLanes, taken[j] && item[j].upper >= c.least);
        ofWarp += __popc(ballots[j]);
      }
      uint32_t before;
      const uint32_t total = ctaSum(ofWarp, shared.warps, &before);
      if (total == 0) break;
      if (c.count + total > c.capacity) {
        if (tightened) return false;
        tighten(c, shared);
        continue;
      }
      uint32_t to = c.count + before;
#pragma unroll
      for (int j = 0; j < kItems; ++j) {
        if (taken[j] && item[j].upper >= c.least) {
          const uint32_t place = to + lanesBelow(ballots[j]);
          c.list.upper[place] = item[j].upper;
          c.list.lower[place] = item[j].lower;
          c.list.place[place] = item[j].place;
        }
        to += __popc(ballots[j]);
      }
      c.count += total;
      break;
    }
  }
  tighten(c, shared);
  return true;
}

struct ScreenFilterArgs {
  const float* scores;       // [rows, features] of the panel
  const float* b;            // [F]
  const int32_t* subset;     // [places] feature numbers, or null
  const float* threshold;    // [places] θ, or null
  const float* weightNorm;   // [features] of the panel
  const float* weightError;  // [features]
  const float* rowBound;     // [rows]
  const float* rowNorm;      // [rows]
  float* least;              // [rows, lists] τ
  int32_t* counts;           // [rows, lists]
  float* bounds;             // [rows, lists, 2, capacity]
  int32_t* places;           // [rows, lists, capacity]
  int32_t* states;           // [rows] RowState
  const int32_t* unbounded;  // not 0: a feature is beyond the bound's reach, no row can be decided
  int64_t first;             // place of the panel's first feature
  int64_t features;
  int64_t limit;
  int64_t capacity;
  int64_t lists;
};

/** A panel's scores of one row with their bounds. */
struct PanelSource {
  const ScreenFilterArgs& args;
  const float* scores;
  float rowBound;
  float rowNorm;
  int64_t from;
  int64_t count;

  __device__ __forceinline__ Candidate load(int64_t i) const {
    const int64_t f = from + i;
    const int64_t place = args.first + f;
    const float b = args.b[args.subset == nullptr ? place : args.subset[place]];
    const Bounds bounds = boundsOf(scores[f], rowBound, rowNorm, args.weightNorm[f], args.weightError[f], b);
    return {bounds.upper, bounds.lower, static_cast<int32_t>(place)};
  }

  __device__ __forceinline__ bool mayBeActive(int64_t i, float upper) const {
    return args.threshold == nullptr || upper >= args.threshold[args.first + from + i];
  }
};

__device__ __forceinline__ void markUndecided(int32_t* state) {
  if (threadIdx.x == 0) atomicExch(state, static_cast<int32_t>(RowState::kUndecided));
}

__device__ __forceinline__ void filterPanel(const ScreenFilterArgs& args, SearchShared& shared) {
  const int64_t row = blockIdx.x;
  const int64_t list = row * args.lists + blockIdx.y;
  Candidates c{candidateList(args.bounds, args.places, list, args.capacity), args.capacity, args.limit,
               static_cast<uint32_t>(args.counts[list]), args.least[list]};
  if (c.least != c.least) return;
  const int64_t from = args.features * blockIdx.y / args.lists;
  const int64_t to = args.features * (blockIdx.y + 1) / args.lists;
  const PanelSource source{
      args, args.scores + row * args.features, args.rowBound[row], args.rowNorm[row], from, to - from};
  const bool decided = *args.unbounded == 0 && appendAll(source, c, shared);
  if (!decided) markUndecided(args.states + row);
  if (threadIdx.x != 0) return;
  args.least[list] = decided ? c.least : offThreshold();
  args.counts[list] = decided ? static_cast<int32_t>(c.count) : 0;
}

struct ScreenMergeArgs {
  const float* least;     // [rows, lists]
  const int32_t* counts;  // [rows, lists]
  float* bounds;          // [rows, lists, 2, capacity]
  int32_t* places;        // [rows, lists, capacity]
  int32_t* mergedCounts;  // [rows]
  float* mergedBounds;    // [rows, 2, capacity]
  int32_t* mergedPlaces;  // [rows, capacity]
  int32_t* states;        // [rows] RowState
  int64_t limit;
  int64_t capacity;
  int64_t lists;
};

struct ListSource {
  CandidateList list;
  int64_t count;

  __device__ __forceinline__ Candidate load(int64_t i) const {
    return {list.upper[i], list.lower[i], list.place[i]};
  }
  __device__ __forceinline__ bool mayBeActive(int64_t, float) const { return true; }
};

__device__ __forceinline__ void mergeRow(const ScreenMergeArgs& args, SearchShared& shared) {
  const int64_t row = blockIdx.x;
  if (args.states[row] != static_cast<int32_t>(RowState::kReady)) return;
  Candidates c{candidateList(args.mergedBounds, args.mergedPlaces, row, args.capacity), args.capacity,
               args.limit, 0, 0.0f};
  for (int64_t i = 0; i < args.lists; ++i) c.least = fmaxf(c.least, args.least[row * args.lists + i]);
  bool decided = true;
  for (int64_t i = 0; decided && i < args.lists; ++i) {
    const int64_t list = row * args.lists + i;
    const ListSource source{candidateList(args.bounds, args.places, list, args.capacity), args.counts[list]};
    decided = appendAll(source, c, shared);
  }
  __syncthreads();
  if (!decided) markUndecided(args.states + row);
  if (threadIdx.x == 0) args.mergedCounts[row] = decided ? static_cast<int32_t>(c.count) : 0;
}

struct ScreenTightenArgs {
  float* least;              // [rows]
  int32_t* counts;           // [rows]; beyond capacity where there were more
  float* bounds;             // [rows, 2, capacity]
  int32_t* places;           // [rows, capacity]
  int32_t* states;           // [rows] RowState
  const int32_t* unbounded;  // as above
  int64_t limit;
  int64_t capacity;
};

__device__ __forceinline__ void tightenRow(const ScreenTightenArgs& args, SearchShared& shared) {
  const int64_t row = blockIdx.x;
  Candidates c{candidateList(args.bounds, args.places, row, args.capacity), args.capacity, args.limit,
               static_cast<uint32_t>(args.counts[row]), args.least[row]};
  if (c.least != c.least) return;
  const bool decided = *args.unbounded == 0 && c.count <= c.capacity;
  if (decided) {
    tighten(c, shared);
  } else {
    markUndecided(args.states + row);
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  args.least[row] = decided ? c.least : offThreshold();
  args.counts[row] = decided ? static_cast<int32_t>(c.count) : 0;
}

}  // namespace
}  // namespace coxswain

using namespace coxswain;

extern "C" __global__ void __launch_bounds__(256, 4)
    cox_screen_filter(const __grid_constant__ ScreenFilterArgs args) {
  __shared__ SearchShared shared;
  filterPanel(args, shared);
}

extern "C" __global__ void __launch_bounds__(256)
    cox_screen_merge(const __grid_constant__ ScreenMergeArgs args) {
  __shared__ SearchShared shared;
  mergeRow(args, shared);
}

extern "C" __global__ void __launch_bounds__(256)
    cox_screen_tighten(const __grid_constant__ ScreenTightenArgs args) {
  __shared__ SearchShared shared;
  tightenRow(args, shared);
}
