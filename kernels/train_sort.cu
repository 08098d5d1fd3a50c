// Training: a step's (row, feature) pairs from rows to features, by a stable counting sort without atomics,
// and ∂loss/∂z (docs/design.md, training, 4).
//
// Rows are cut into chunks. Within one a CTA goes through the rows in order; a row has a feature at most
// once, so its threads never meet. A pair's place is then: where its feature begins, what earlier chunks hold
// of it, its rank within the chunk.
#include <cstdint>

#include "common/dtype.cuh"
#include "train.cuh"

namespace coxswain {

struct TrainCountArgs {
  const int32_t* counts;    // [rows]
  const int32_t* features;  // [rows, places]
  int64_t rows;
  int64_t places;
  int64_t range;         // F
  int64_t rowsPerChunk;  // one chunk a CTA
  int32_t* chunkCounts;  // [chunks, F] receives how many rows of the chunk have the feature
  int32_t* ranks;        // [rows, places] receives how many of them come earlier
};

struct TrainChunksArgs {
  int64_t range;
  int64_t chunks;
  int32_t* chunkCounts;  // [chunks, F] becomes the sum over earlier chunks
  int32_t* totals;       // [F] receives the sum over all
};

struct TrainBeginArgs {
  const int32_t* totals;     // [F]
  const int32_t* auxTotals;  // [F], or null without AuxK
  int64_t range;
  int64_t* begin;     // [F + 1] prefix sums
  int64_t* auxBegin;  // [F + 1], or null
  int64_t hotAbove;   // pairs from which on a feature is hot
  int64_t hotPlaces;
  TrainHot hot;     // slots and features are written: places go to hot features in ascending order
  TrainSums* sums;  // active and hot are written
};

struct TrainScatterArgs {
  const int32_t* counts;
  const int32_t* features;     // [rows, places]
  const float* a;              // [rows, places]
  const int32_t* ranks;        // [rows, places]
  const int32_t* chunkCounts;  // [chunks, F] as cox_train_chunks leaves it
  const int64_t* begin;        // [F + 1]
  int64_t places;
  int64_t range;
  int64_t rowsPerChunk;
  int32_t* pairRows;      // [pairs]
  int32_t* pairFeatures;  // [pairs]
  float* pairA;           // [pairs]
};

struct TrainSlopeArgs {
  const int64_t* begin;  // [F + 1]
  int64_t range;
  const int32_t* pairRows;
  const int32_t* pairFeatures;
  const float* error;  // [rows, d]
  const float* wDec;   // [F, d]
  int64_t d;
  const double* scale;  // one of TrainSums
  float* dz;            // [pairs]
};

}  // namespace coxswain

using namespace coxswain;

/** How often each chunk has each feature, and each pair's rank. CTAs of 256 threads; latency of a row's
 * pairs. */
extern "C" __global__ void __launch_bounds__(256)
    cox_train_count(const __grid_constant__ TrainCountArgs args) {
  int32_t* mine = args.chunkCounts + blockIdx.x * args.range;
  for (int64_t f = threadIdx.x; f < args.range; f += blockDim.x) mine[f] = 0;
  const int64_t first = blockIdx.x * args.rowsPerChunk;
  const int64_t end = first + args.rowsPerChunk < args.rows ? first + args.rowsPerChunk : args.rows;
  for (int64_t row = first; row < end; ++row) {
    __syncthreads();
    const int64_t pairs = row * args.places;
    for (int64_t i = threadIdx.x; i < args.counts[row]; i += blockDim.x) {
      const int64_t feature = args.features[pairs + i];
      const int32_t rank = mine[feature];
      args.ranks[pairs + i] = rank;
      mine[feature] = rank + 1;
    }
  }
}

/** Prefix sums over the chunks. A thread a feature; 8 B a chunk and feature, coalesced. */
extern "C" __global__ void __launch_bounds__(256)
    cox_train_chunks(const __grid_constant__ TrainChunksArgs args) {
  const int64_t feature = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (feature >= args.range) return;
  int32_t sum = 0;
#pragma unroll 8
  for (int64_t chunk = 0; chunk < args.chunks; ++chunk) {
    int32_t* at = args.chunkCounts + chunk * args.range + feature;
    const int32_t count = *at;
    *at = sum;
    sum += count;
  }
  args.totals[feature] = sum;
}

__device__ __forceinline__ int64_t sumTotals(const int32_t* totals, int64_t range, int64_t* begin) {
  const int64_t all = prefixSums<16, int64_t>(
      range, [&](int64_t f) -> int64_t { return totals[f]; },
      [&](int64_t f, int64_t sum, int64_t) { begin[f] = sum; });
  if (threadIdx.x == 0) begin[range] = all;
  return all;
}

/** Where each feature's pairs begin, and which are hot. Three CTAs of 512 threads, one a question; latency.
 */
extern "C" __global__ void __launch_bounds__(512, 1)
    cox_train_begin(const __grid_constant__ TrainBeginArgs args) {
  if (blockIdx.x == 0) {
    const int64_t all = sumTotals(args.totals, args.range, args.begin);
    if (threadIdx.x == 0) args.sums->active = all;
    return;
  }
  if (blockIdx.x == 1) {
    if (args.auxTotals != nullptr) sumTotals(args.auxTotals, args.range, args.auxBegin);
    return;
  }
  const int64_t hot = prefixSums<16, int64_t>(
      args.range,
      [&](int64_t f) -> int64_t {
        const int64_t aux = args.auxTotals == nullptr ? 0 : args.auxTotals[f];
        return args.totals[f] + aux > args.hotAbove;
      },
      [&](int64_t f, int64_t place, int64_t isHot) {
        const bool placed = isHot != 0 && place < args.hotPlaces;
        args.hot.slots[f] = placed ? static_cast<int32_t>(place) : -1;
        if (placed) args.hot.features[place] = static_cast<int32_t>(f);
      });
  if (threadIdx.x == 0) args.sums->hot = hot < args.hotPlaces ? hot : args.hotPlaces;
}

/** Puts every pair in its place. A CTA of 128 threads a row; about 32 B a pair, scattered by nature. */
extern "C" __global__ void __launch_bounds__(128)
    cox_train_scatter(const __grid_constant__ TrainScatterArgs args) {
  const int64_t row = blockIdx.x;
  const int32_t* before = args.chunkCounts + row / args.rowsPerChunk * args.range;
  for (int64_t i = threadIdx.x; i < args.counts[row]; i += blockDim.x) {
    const int64_t pair = row * args.places + i;
    const int32_t feature = args.features[pair];
    const int64_t place = args.begin[feature] + before[feature] + args.ranks[pair];
    args.pairRows[place] = static_cast<int32_t>(row);
    args.pairFeatures[place] = feature;
    args.pairA[place] = args.a[pair];
  }
}

/**
 * ∂loss/∂z = scale · dot(error, W_dec[f]) of every pair, canonical. A warp has four neighbours at a time,
 * most of them of one feature: W_dec comes from memory once and then from L1, 4·d B a pair of the errors from
 * L2.
 */
extern "C" __global__ void __launch_bounds__(256)
    cox_train_slope(const __grid_constant__ TrainSlopeArgs args) {
  constexpr int kPairs = 4;
  const int64_t pairs = args.begin[args.range];
  const float scale = static_cast<float>(*args.scale);
  const bool aligned = rowsAligned16(args.error, args.d, 4) && rowsAligned16(args.wDec, args.d, 4);
  const int d = static_cast<int>(args.d);
  const int64_t step = kPairs * 8 * static_cast<int64_t>(gridDim.x);
  for (int64_t first = kPairs * (8 * static_cast<int64_t>(blockIdx.x) + warpId()); first < pairs;
       first += step) {
    const int64_t end = first + kPairs < pairs ? first + kPairs : pairs;
    for (int64_t pair = first; pair < end; ++pair) {
      const float* error = rowAt(args.error, args.pairRows[pair], 4 * d);
      const float* wDec = rowAt(args.wDec, args.pairFeatures[pair], 4 * d);
      const float dot = canonicalSum<DotTerm>(error, wDec, d, aligned);
      if (laneId() == 0) args.dz[pair] = __fmul_rn(scale, dot);
    }
  }
}
