// Encode: rows made ready for scoring, and the selection of their active features (docs/design.md).
//
// cox_encode_prepare: a CTA a row; thread t has the canonical accumulator t. Reads x once and writes it
// once in float32; with a normalisation the row comes back from L1 or L2 twice. Traffic (b + 4)·d bytes
// a row, b bytes an element. Latency-bound for few rows, by memory for many. 32 registers, 128 bytes of
// shared memory.
//
// cox_encode_select: a CTA a row. Scores [F] are read 3 times for most rows (count, one digit, collect;
// once more for each further digit of a tie): 12·F bytes from L2, where the scan has just put them, 3/d
// of the weights' bytes. Of a screen's survivors there are as many keys as these, a few hundred. Then a
// bitonic sort of at most 2,048 keys in shared memory, within warps by shuffles and above them 32 or
// more places apart: no bank conflicts. 31 registers (sm_80, sm_90), 24.1 KiB of shared memory.
//
// cox_encode_select_wide: where more than 2,048 features may be wanted: keys in global memory, runs of
// 2,048 sorted in shared memory, then merged by rank log2(k / 2,048) times. 32 and 39 registers.
//
// The atomics that count keys in bins serialise where all scores share their leading bits (the input
// sameLeadingBits); the result is the same. No spills.
#include <cstdint>

#include "common/dtype.cuh"
#include "common/encode.cuh"
#include "common/order.cuh"
#include "common/reduce.cuh"
#include "common/select.cuh"

namespace coxswain {
namespace {

/** Slot i at byte 8i, as everywhere: a pointer, int64_t or double. */
struct EncodePrepareArgs {
  const void* x;          // [rows, d] of dtype
  const float* subtract;  // [d] or null
  float* prepared;        // [rows, stride] x̃ − δ·b_dec; 0 beyond d
  float* normalization;   // [rows, 2] (shift, scale), (0, 0) where not ready; or null
  int32_t* states;        // [rows] RowState
  uint64_t* report;       // [kReportSlots], added to
  int64_t dtype;          // of x
  int64_t d;
  int64_t stride;
  int64_t normalize;  // Normalization
};

/** Thread t's elements of one row: t, t + 256, …; no other thread touches them. */
struct PreparedRow {
  float* x;
  int64_t d;

  template <class F>
  __device__ __forceinline__ void map(const F& f) const {
    for (int64_t e = threadIdx.x; e < d; e += 256) x[e] = f(x[e], e);
  }

  __device__ __forceinline__ float squareSum(float* shared) const {
    float a = 0.0f;
    for (int64_t e = threadIdx.x; e < d; e += 256) a = __fmaf_rn(x[e], x[e], a);
    return reduceCta256(a, shared);
  }

  __device__ __forceinline__ float sum(float* shared) const {
    float a = 0.0f;
    for (int64_t e = threadIdx.x; e < d; e += 256) a = __fadd_rn(a, x[e]);
    return reduceCta256(a, shared);
  }
};

__device__ __forceinline__ bool isFinite(float v) { return fabsf(v) <= kLargestFinite; }

__device__ __forceinline__ bool isUsable(float scale) { return scale > 0.0f && isFinite(scale); }

/** x·(√d/‖x‖). */
__device__ __forceinline__ bool constantNorm(const PreparedRow& row, float* shared, float* scale) {
  const float norm = __fsqrt_rn(row.squareSum(shared));
  const float root = __fsqrt_rn(static_cast<float>(row.d));
  const float factor = __fdiv_rn(root, norm);
  if (!isUsable(norm) || !isUsable(factor)) return false;
  row.map([&](float v, int64_t) { return __fmul_rn(v, factor); });
  *scale = __fdiv_rn(norm, root);
  return true;
}

/** (x − mean)/(std + 1e-5); a constant row has std 0 and is divided by 1e-5. */
__device__ __forceinline__ bool layerNorm(const PreparedRow& row, float* shared, float* shift, float* scale) {
  const float mean = __fdiv_rn(row.sum(shared), static_cast<float>(row.d));
  row.map([&](float v, int64_t) { return __fsub_rn(v, mean); });
  const float std = __fsqrt_rn(__fdiv_rn(row.squareSum(shared), static_cast<float>(row.d - 1)));
  if (!isFinite(std)) return false;
  const float divisor = __fadd_rn(std, 1e-5f);
  row.map([&](float v, int64_t) { return __fdiv_rn(v, divisor); });
  *shift = mean;
  *scale = std;
  return true;
}

/** Widens the row; false where an element is NaN or infinite. */
__device__ __forceinline__ bool loadRow(const EncodePrepareArgs& args, int64_t number, float* out) {
  const Dtype dtype = static_cast<Dtype>(args.dtype);
  const int64_t bytes = dtype == Dtype::kF32 ? 4 : 2;
  const void* x = static_cast<const char*>(args.x) + number * args.d * bytes;
  bool finite = true;
  for (int64_t e = threadIdx.x; e < args.stride; e += 256) {
    const float v = e < args.d ? loadElement(x, dtype, e) : 0.0f;
    finite &= isFinite(v);
    out[e] = v;
  }
  return __syncthreads_and(finite) != 0;
}

__device__ __forceinline__ RowState prepareRow(const EncodePrepareArgs& args, int64_t number, float* shared,
                                               float* shift, float* scale) {
  const PreparedRow row{args.prepared + number * args.stride, args.d};
  if (!loadRow(args, number, row.x)) return RowState::kNonFinite;
  *scale = 1.0f;
  bool normalized = true;
  switch (static_cast<Normalization>(args.normalize)) {
    case Normalization::kConstantNorm:
      normalized = constantNorm(row, shared, scale);
      break;
    case Normalization::kLayerNorm:
      normalized = layerNorm(row, shared, shift, scale);
      break;
    default:
      break;
  }
  if (!normalized) return RowState::kUnnormalizable;
  if (args.subtract != nullptr) {
    row.map([&](float v, int64_t e) { return __fsub_rn(v, args.subtract[e]); });
  }
  return RowState::kReady;
}

/** Shared memory of a selection. */
struct SelectShared {
  SearchShared search;
  uint32_t collected;
  uint64_t keys[kSortedKeys];
};

struct EncodeSelectArgs {
  const float* scores;     // [rows, features] canonical scores, or dots where there is a bias; or null
  const float* bias;       // [F] still to be added to the scores, or null
  const float* threshold;  // [features] or null; with scores alone
  const uint64_t* keys;    // [blockRows, capacity] order keys of places, kNoKey where not active; or null
  const int32_t* counts;   // [blockRows] keys of each row; with keys
  const int32_t* subset;   // [features] ascending feature numbers of the places, or null
  const int32_t* rowList;  // [rows] numbers within the block of rows, or null: 0, 1, …
  const int32_t* states;   // [blockRows] RowState
  int32_t* undecided;      // [1 + blockRows] with keys: their number, and the rows that need a full scan
  uint64_t* wide;          // [rows, 2, wideKeys]; of cox_encode_select_wide
  float* values;           // [blockRows, places]
  int32_t* indices;        // [blockRows, places]
  uint64_t* report;        // [kReportSlots], added to
  int64_t features;
  int64_t capacity;
  int64_t wideKeys;  // ≥ min(limit, places)
  int64_t limit;     // k, or F
  int64_t places;
  int64_t firstRow;  // of the block within the call
};

/** A row's canonical scores, or dots; a feature counts where z > max(θ, 0). */
struct ScoreSource {
  const float* z;
  const float* bias;
  const int32_t* subset;
  const float* threshold;
  int64_t count;

  __device__ __forceinline__ uint64_t key(int64_t i) const {
    float score = z[i];
    if (bias != nullptr) score = __fadd_rn(score, bias[subset == nullptr ? i : subset[i]]);
    const bool active = score > 0.0f && (threshold == nullptr || score > threshold[i]);
    return active ? orderKey(score, static_cast<uint32_t>(i)) : kNoKey;
  }
};

struct KeySource {
  const uint64_t* keys;
  int64_t count;

  __device__ __forceinline__ uint64_t key(int64_t i) const { return keys[i]; }
};

/** Writes the source's keys ≥ cutoff to `out` in any order; their number is in `collected` then. */
template <class Source>
__device__ __forceinline__ void collectKeys(const Source& source, uint64_t cutoff, uint64_t* out,
                                            uint32_t* collected) {
  for (int64_t base = 0; base < source.count; base += blockDim.x) {
    const int64_t i = base + threadIdx.x;
    const uint64_t key = i < source.count ? source.key(i) : kNoKey;
    const bool take = key != kNoKey && key >= cutoff;
    const uint32_t ballot = __ballot_sync(kAllLanes, take);
    if (ballot == 0) continue;
    uint32_t place = 0;
    if (laneId() == 0) place = atomicAdd(collected, static_cast<uint32_t>(__popc(ballot)));
    place = __shfl_sync(kAllLanes, place, 0) + lanesBelow(ballot);
    if (take) out[place] = key;
  }
  __syncthreads();
}

/** Sorts `count` keys of shared memory, descending; its places up to the next power of two are free. */
__device__ __forceinline__ void sortShared(uint64_t* keys, int count) {
  int size = 32;
  while (size < count) size *= 2;
  for (int i = count + static_cast<int>(threadIdx.x); i < size; i += static_cast<int>(blockDim.x))
    keys[i] = kNoKey;
  __syncthreads();
  sortKeys(keys, size);
}

/** How many of `count` descending keys are larger. */
__device__ __forceinline__ int64_t rankOf(uint64_t key, const uint64_t* keys, int64_t count) {
  int64_t low = 0;
  int64_t high = count;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (keys[middle] > key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** Sorts `count` keys of global memory, descending, with as many free places behind; where the result is. */
__device__ __forceinline__ const uint64_t* sortGlobal(uint64_t* keys, uint64_t* spare, int64_t count,
                                                      uint64_t* shared) {
  for (int64_t base = 0; base < count; base += kSortedKeys) {
    const int run = static_cast<int>(min(static_cast<int64_t>(kSortedKeys), count - base));
    for (int i = static_cast<int>(threadIdx.x); i < run; i += static_cast<int>(blockDim.x))
      shared[i] = keys[base + i];
    sortShared(shared, run);
    for (int i = static_cast<int>(threadIdx.x); i < run; i += static_cast<int>(blockDim.x))
      keys[base + i] = shared[i];
    __syncthreads();
  }
  for (int64_t run = kSortedKeys; run < count; run *= 2) {
    for (int64_t i = threadIdx.x; i < count; i += blockDim.x) {
      const int64_t pair = i / (2 * run) * 2 * run;
      const bool second = i - pair >= run;
      const int64_t other = second ? pair : min(pair + run, count);
      const int64_t others = second ? run : min(run, count - other);
      const uint64_t key = keys[i];
      const int64_t own = second ? i - pair - run : i - pair;
      spare[pair + own + rankOf(key, keys + other, others)] = key;
    }
    __syncthreads();
    uint64_t* swap = keys;
    keys = spare;
    spare = swap;
  }
  return keys;
}

__device__ __forceinline__ void writeRow(const EncodeSelectArgs& args, int64_t row, const uint64_t* keys,
                                         int64_t count) {
  float* values = args.values + row * args.places;
  int32_t* indices = args.indices + row * args.places;
  for (int64_t i = threadIdx.x; i < args.places; i += blockDim.x) {
    const uint64_t key = i < count ? keys[i] : kNoKey;
    const uint32_t place = keyIndex(key);
    values[i] = i < count ? keyScore(key) : 0.0f;
    indices[i] = i >= count ? -1 : args.subset == nullptr ? static_cast<int32_t>(place) : args.subset[place];
  }
}

__device__ __forceinline__ void reportActive(const EncodeSelectArgs& args, int64_t row, int64_t active) {
  if (threadIdx.x != 0) return;
  auto* report = reinterpret_cast<unsigned long long*>(args.report);
  atomicMax(report + kMostActive, static_cast<unsigned long long>(active));
  if (active <= args.places) return;
  atomicMax(report + kOverfullRow, static_cast<unsigned long long>(kNoOverfullRow - (args.firstRow + row)));
}

template <bool kWide, class Source>
__device__ __forceinline__ void selectFrom(const EncodeSelectArgs& args, const Source& source, int64_t row,
                                           SelectShared& shared) {
  if (threadIdx.x == 0) shared.collected = 0;
  const uint32_t active = countKeys(source, shared.search);
  const int64_t chosen = min(static_cast<int64_t>(active), args.limit);
  reportActive(args, row, chosen);
  const int64_t wanted = min(chosen, args.places);
  if (wanted == 0) {
    writeRow(args, row, nullptr, 0);
    return;
  }
  const int64_t room = kWide ? args.wideKeys : kSortedKeys;
  uint64_t cutoff = 1;
  if (active > room) {
    cutoff =
        findCutoff<false>(source, static_cast<uint32_t>(wanted), static_cast<uint32_t>(room), shared.search);
  }
  uint64_t* wide = args.wide + 2 * args.wideKeys * blockIdx.x;
  collectKeys(source, cutoff, kWide ? wide : shared.keys, &shared.collected);
  const uint32_t collected = shared.collected;
  if (kWide) {
    writeRow(args, row, sortGlobal(wide, wide + args.wideKeys, collected, shared.keys), wanted);
  } else {
    sortShared(shared.keys, static_cast<int>(collected));
    writeRow(args, row, shared.keys, wanted);
  }
}

/** A screen could not decide the row: it is listed for a full scan. */
__device__ __forceinline__ void listUndecided(const EncodeSelectArgs& args, int64_t row) {
  if (threadIdx.x != 0) return;
  args.undecided[1 + atomicAdd(args.undecided, 1)] = static_cast<int32_t>(row);
  atomicAdd(reinterpret_cast<unsigned long long*>(args.report) + kFullScans, 1ull);
}

template <bool kWide>
__device__ __forceinline__ void selectRow(const EncodeSelectArgs& args, SelectShared& shared) {
  const int64_t row = args.rowList == nullptr ? blockIdx.x : args.rowList[blockIdx.x];
  const RowState state = static_cast<RowState>(args.states[row]);
  if (state == RowState::kNonFinite || state == RowState::kUnnormalizable) {
    writeRow(args, row, nullptr, 0);
  } else if (args.scores != nullptr) {
    const ScoreSource source{args.scores + blockIdx.x * args.features, args.bias, args.subset, args.threshold,
                             args.features};
    selectFrom<kWide>(args, source, row, shared);
  } else if (state == RowState::kUndecided) {
    listUndecided(args, row);
  } else {
    selectFrom<kWide>(args, KeySource{args.keys + row * args.capacity, args.counts[row]}, row, shared);
  }
}

}  // namespace
}  // namespace coxswain

using namespace coxswain;

extern "C" __global__ void __launch_bounds__(256)
    cox_encode_prepare(const __grid_constant__ EncodePrepareArgs args) {
  __shared__ float shared[32];
  const int64_t row = blockIdx.x;
  float shift = 0.0f;
  float scale = 0.0f;
  const RowState state = prepareRow(args, row, shared, &shift, &scale);
  if (threadIdx.x != 0) return;
  const bool ready = state == RowState::kReady;
  args.states[row] = static_cast<int32_t>(state);
  if (args.normalization != nullptr) {
    args.normalization[2 * row] = ready ? shift : 0.0f;
    args.normalization[2 * row + 1] = ready ? scale : 0.0f;
  }
  auto* report = reinterpret_cast<unsigned long long*>(args.report);
  if (state == RowState::kNonFinite) atomicAdd(report + kNonFiniteRows, 1ull);
  if (state == RowState::kUnnormalizable) atomicAdd(report + kUnnormalizableRows, 1ull);
}

extern "C" __global__ void __launch_bounds__(512)
    cox_encode_select(const __grid_constant__ EncodeSelectArgs args) {
  __shared__ SelectShared shared;
  selectRow<false>(args, shared);
}

extern "C" __global__ void __launch_bounds__(512)
    cox_encode_select_wide(const __grid_constant__ EncodeSelectArgs args) {
  __shared__ SelectShared shared;
  selectRow<true>(args, shared);
}
