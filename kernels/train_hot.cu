// Training: gradients of hot features (docs/design.md, training, 4), so that no CTA of cox_train_update has
// hundreds of rows to add, one after the other as their order demands.
//
// CTA = 32 hot features × 128 columns of one matrix. Rows go through shared memory in windows of 32, two
// windows of 16 KiB, the next one on its way in registers; each warp has four features, whose pairs in the
// window it reads 32 at a time and hands round by shuffles. So a row comes from L2 once for 32 features: with
// AuxK, where thousands of dead features share every row, n·d·4 B a tile of 32 features instead of d·4 B a
// pair. Bound by shared memory: 4 B a pair and column, 128 B a cycle, without bank conflicts.
#include <cstdint>

#include "train_gradient.cuh"

namespace coxswain {
namespace {

constexpr int kFeatures = 32;  // of a CTA
constexpr int kOwn = 4;        // of a warp
constexpr int kWindow = 32;    // rows in shared memory
constexpr int kColumns = 128;
constexpr int kEach = 4;  // columns of a lane: lane, lane + 32, …
constexpr int kThreads = 256;
constexpr int kCopied = kWindow * kColumns / kThreads;

using Windows = float[2][kWindow][kColumns];

/** The rows that are summed: a thread's column of the CTA's. */
struct Rows {
  const float* column;  // [rows], d apart
  bool live;            // within the row
  float less;           // subtracted: b_dec's element, or 0
  int64_t count;
  int64_t d;

  __device__ __forceinline__ Rows(const float* matrix, const float* bDec, int64_t rows, int64_t width)
      : count(rows), d(width) {
    const int64_t e = kColumns * static_cast<int64_t>(blockIdx.x) + threadIdx.x % kColumns;
    column = matrix + e;
    live = e < d;
    less = bDec != nullptr && live ? bDec[e] : 0.0f;
  }

  __device__ __forceinline__ void load(int64_t first, float (&values)[kCopied]) const {
#pragma unroll
    for (int i = 0; i < kCopied; ++i) {
      const int64_t row = first + kThreads / kColumns * i + threadIdx.x / kColumns;
      values[i] = __fsub_rn(live && row < count ? column[row * d] : 0.0f, less);
    }
  }
};

__device__ __forceinline__ void store(const float (&values)[kCopied], float (&window)[kWindow][kColumns]) {
#pragma unroll
  for (int i = 0; i < kCopied; ++i) {
    window[kThreads / kColumns * i + threadIdx.x / kColumns][threadIdx.x % kColumns] = values[i];
  }
}

/** sum[f] += Σ c·row of the pairs in a window that begins at row `first`; ranges move past them. */
__device__ __forceinline__ void addWindow(const TrainPairs& pairs, const float* coefficients,
                                          const float (&window)[kWindow][kColumns], int64_t first,
                                          Range (&ranges)[kOwn], float (&sum)[kOwn][kEach]) {
  int row[kOwn];
  float c[kOwn];
  int count[kOwn];
#pragma unroll
  for (int f = 0; f < kOwn; ++f) {
    const int64_t pair = ranges[f].from + laneId();
    const int64_t at = pair < ranges[f].to ? pairs.rows[pair] - first : kWindow;
    c[f] = at < kWindow ? coefficients[pair] : 0.0f;
    row[f] = static_cast<int>(at);
    count[f] = __popc(__ballot_sync(kAllLanes, at < kWindow));
  }
#pragma unroll
  for (int f = 0; f < kOwn; ++f) {
    for (int j = 0; j < count[f]; ++j) {
      const float* values = window[__shfl_sync(kAllLanes, row[f], j)];
      const float coefficient = __shfl_sync(kAllLanes, c[f], j);
#pragma unroll
      for (int i = 0; i < kEach; ++i) {
        sum[f][i] = __fmaf_rn(coefficient, values[laneId() + 32 * i], sum[f][i]);
      }
    }
    ranges[f].from += count[f];
  }
}

/** sum[f] = Σ c·row of all the features' pairs, rows ascending. */
__device__ __forceinline__ void sumRows(const TrainPairs& pairs, const float* coefficients, const Rows& rows,
                                        Windows& windows, Range (&ranges)[kOwn], float (&sum)[kOwn][kEach]) {
#pragma unroll
  for (int f = 0; f < kOwn; ++f) {
#pragma unroll
    for (int i = 0; i < kEach; ++i) sum[f][i] = 0.0f;
  }
  float next[kCopied];
  rows.load(0, next);
  __syncthreads();
  for (int64_t first = 0; first < rows.count; first += kWindow) {
    float(&window)[kWindow][kColumns] = windows[first / kWindow % 2];
    store(next, window);
    __syncthreads();
    if (first + kWindow < rows.count) rows.load(first + kWindow, next);
    addWindow(pairs, coefficients, window, first, ranges, sum);
  }
}

struct TrainHotArgs {
  TrainGradientArgs from;
  int64_t rows;
};

/** The warp's features, and their gradients in the CTA's columns. */
struct HotFeatures {
  Range main[kOwn];
  Range aux[kOwn];
  bool hasAux[kOwn];
  float g[kOwn][kEach];

  __device__ __forceinline__ HotFeatures(const TrainGradientArgs& args, int64_t first) {
#pragma unroll
    for (int f = 0; f < kOwn; ++f) {
      hasAux[f] = false;
      if (first + f >= args.sums->hot) continue;
      const Feature feature(args, args.hot.features[first + f]);
      main[f] = feature.main;
      aux[f] = feature.aux;
      hasAux[f] = feature.hasAux;
    }
  }

  __device__ __forceinline__ void scale(float by) {
#pragma unroll
    for (int f = 0; f < kOwn; ++f) {
#pragma unroll
      for (int i = 0; i < kEach; ++i) g[f][i] = __fmul_rn(g[f][i], by);
    }
  }

  /** AuxK's part is scaled and added. */
  __device__ __forceinline__ void add(const float (&more)[kOwn][kEach], float by) {
#pragma unroll
    for (int f = 0; f < kOwn; ++f) {
#pragma unroll
      for (int i = 0; i < kEach; ++i) {
        if (hasAux[f]) g[f][i] = __fadd_rn(__fmul_rn(more[f][i], by), g[f][i]);
      }
    }
  }

  __device__ __forceinline__ void store(const TrainGradientArgs& args, int64_t first) const {
#pragma unroll
    for (int f = 0; f < kOwn; ++f) {
      if (first + f >= args.sums->hot) return;
      float* out = args.hot.gradients + (2 * (first + f) + blockIdx.z) * args.d;
#pragma unroll
      for (int i = 0; i < kEach; ++i) {
        const int64_t e = kColumns * static_cast<int64_t>(blockIdx.x) + laneId() + 32 * i;
        if (e < args.d) out[e] = g[f][i];
      }
    }
  }
};

}  // namespace
}  // namespace coxswain

using namespace coxswain;

/** Grid (columns / 128, places / 32, matrix: 0 W_dec, 1 W_enc). */
extern "C" __global__ void __launch_bounds__(kThreads)
    cox_train_hot(const __grid_constant__ TrainHotArgs args) {
  __shared__ Windows windows;
  const TrainGradientArgs& from = args.from;
  const int64_t tile = kFeatures * static_cast<int64_t>(blockIdx.y);
  if (tile >= from.sums->hot) return;
  const int64_t first = tile + kOwn * warpId();
  const bool decoder = blockIdx.z == 0;
  HotFeatures features(from, first);
  const float* bDec = decoder ? nullptr : from.bDec;
  const Rows rows(decoder ? from.error : from.x, bDec, args.rows, from.d);
  sumRows(from.pairs, decoder ? from.pairs.a : from.pairs.dz, rows, windows, features.main, features.g);
  features.scale(decoder ? static_cast<float>(from.sums->scale) : 1.0f);
  bool any = false;
#pragma unroll
  for (int f = 0; f < kOwn; ++f) any |= features.hasAux[f];
  if (__syncthreads_or(any)) {
    const Rows auxRows(decoder ? from.auxError : from.x, bDec, args.rows, from.d);
    float more[kOwn][kEach];
    sumRows(from.auxPairs, decoder ? from.auxPairs.a : from.auxPairs.dz, auxRows, windows, features.aux,
            more);
    features.add(more, decoder ? static_cast<float>(from.sums->auxScale) : 1.0f);
  }
  features.store(from, first);
  const int64_t own = tile + threadIdx.x;
  if (blockIdx.x == 0 && !decoder && threadIdx.x < kFeatures && own < from.sums->hot) {
    from.hot.bias[own] = biasGradient(from, Feature(from, from.hot.features[own]));
  }
}
