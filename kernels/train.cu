// Training, the way forward (docs/design.md, training, 1 to 3): means, active pairs by ascending feature,
// errors.
#include <cstdint>

#include "common/dtype.cuh"
#include "train.cuh"

namespace coxswain {

/** Numbers of TrainSums that cox_train_sum derives. */
enum TrainSum : int64_t { kVariance = 0, kError = 1, kAuxError = 2 };

struct TrainDeadArgs {
  const int64_t* sinceFired;  // [F] rows
  int64_t features;
  int64_t deadAfter;
  int32_t* dead;    // [F] receives the numbers of the dead features, ascending
  TrainSums* sums;  // dead is written
};

struct TrainMeanArgs {
  const float* x;  // [rows, d]
  int64_t rows;
  int64_t d;
  float* mean;  // [d]
};

struct TrainSquaresArgs {
  const float* u;  // [rows, d]
  const float* w;  // [d], or null for 0
  int64_t rows;
  int64_t d;
  float* squares;  // [rows]
};

struct TrainSumArgs {
  const float* squares;  // [rows]
  int64_t rows;
  int64_t which;          // TrainSum
  double auxCoefficient;  // for kError
  int64_t kAux;           // for kError: features AuxK may use of a row, 0 where none is dead
  TrainSums* sums;
};

struct TrainOrderArgs {
  const float* values;     // [rows, places] as encode leaves them: best first
  const int32_t* indices;  // [rows, places] −1 after the last
  int64_t places;
  int64_t range;          // F
  const TrainSums* gate;  // null, or a row has no pair where gate->aux is 0
  int32_t* counts;        // [rows]
  int32_t* features;      // [rows, places] ascending
  float* a;               // [rows, places]
};

struct TrainErrorArgs {
  const float* target;  // [rows, d]
  const float* wDec;    // [F, d]
  const float* bias;    // [d], or null for 0
  const int32_t* counts;
  const int32_t* features;  // [rows, places] ascending
  const float* a;           // [rows, places]
  int64_t places;
  int64_t d;
  float* error;  // [rows, d]
};

}  // namespace coxswain

using namespace coxswain;

/** The dead features. One CTA of 512 threads. 8 B a feature; latency. */
extern "C" __global__ void __launch_bounds__(512, 1)
    cox_train_dead(const __grid_constant__ TrainDeadArgs args) {
  const int64_t count = prefixSums<16, int64_t>(
      args.features, [&](int64_t f) -> int64_t { return args.sinceFired[f] >= args.deadAfter; },
      [&](int64_t f, int64_t place, int64_t dead) {
        if (dead != 0) args.dead[place] = static_cast<int32_t>(f);
      });
  if (threadIdx.x == 0) args.sums->dead = count;
}

/** Column means: double sums over ascending rows. 32 columns a CTA of 256 threads; 4 B an element of x. */
extern "C" __global__ void __launch_bounds__(256) cox_train_mean(const __grid_constant__ TrainMeanArgs args) {
  __shared__ ColumnTile tile;
  const double sum = columnSum(args.x, args.rows, args.d, tile);
  const int64_t column = 32 * static_cast<int64_t>(blockIdx.x) + laneId();
  if (warpId() == 0 && column < args.d) {
    args.mean[column] = static_cast<float>(__ddiv_rn(sum, static_cast<double>(args.rows)));
  }
}

/** ‖u − w‖² of every row, canonical. A warp a row, CTAs of 256 threads; 4 B an element of u. */
extern "C" __global__ void __launch_bounds__(256)
    cox_train_squares(const __grid_constant__ TrainSquaresArgs args) {
  const int64_t row = 8 * static_cast<int64_t>(blockIdx.x) + warpId();
  if (row >= args.rows) return;
  const float* u = args.u + row * args.d;
  const bool aligned = rowsAligned16(args.u, args.d, 4) && rowsAligned16(args.w, args.d, 4);
  const int d = static_cast<int>(args.d);
  const float squares = args.w == nullptr ? canonicalSum<DotTerm>(u, u, d, aligned)
                                          : canonicalSum<DistanceTerm>(u, args.w, d, aligned);
  if (laneId() == 0) args.squares[row] = squares;
}

/** Adds the rows' squares in double, ascending, and derives what hangs on the sum. One warp; latency. */
extern "C" __global__ void __launch_bounds__(32) cox_train_sum(const __grid_constant__ TrainSumArgs args) {
  double sum = 0;
  for (int64_t base = 0; base < args.rows; base += 32) {
    const int64_t left = args.rows - base;
    const float mine = laneId() < left ? args.squares[base + laneId()] : 0.0f;
    const int count = left < 32 ? static_cast<int>(left) : 32;
    for (int i = 0; i < count; ++i) {
      sum = __dadd_rn(sum, static_cast<double>(__shfl_sync(kAllLanes, mine, i)));
    }
  }
  if (laneId() != 0) return;
  TrainSums& sums = *args.sums;
  if (args.which == kVariance) {
    sums.variance = sum;
    sums.scale = sum > 0 ? static_cast<float>(__ddiv_rn(-2.0, sum)) : 0.0f;
  } else if (args.which == kError) {
    sums.squaredError = sum;
    sums.aux = sum > 0 && args.kAux > 0;
    sums.auxScale = static_cast<float>(__ddiv_rn(__dmul_rn(-2.0, args.auxCoefficient), sum));
  } else {
    sums.auxSquaredError = sum;
  }
}

/**
 * A row's pairs by ascending feature: their places are ranks in a bit map of the features. A CTA of 128
 * threads a row; 16 B a pair.
 */
extern "C" __global__ void __launch_bounds__(128)
    cox_train_order(const __grid_constant__ TrainOrderArgs args) {
  constexpr int kWords = 2048;
  constexpr int64_t kWindow = 32 * kWords;
  __shared__ uint32_t bits[kWords];
  __shared__ int32_t ranks[kWords];
  const int64_t row = blockIdx.x;
  const float* values = args.values + row * args.places;
  const int32_t* indices = args.indices + row * args.places;
  int64_t count = 0;
  const bool open = args.gate == nullptr || args.gate->aux != 0;
  for (int64_t i = threadIdx.x; open && i - threadIdx.x < args.places; i += blockDim.x) {
    count += __syncthreads_count(i < args.places && indices[i] >= 0);
  }
  if (threadIdx.x == 0) args.counts[row] = static_cast<int32_t>(count);
  int64_t before = row * args.places;
  for (int64_t base = 0; base < args.range && count > 0; base += kWindow) {
    const int64_t words = (args.range - base + 31) / 32 < kWords ? (args.range - base + 31) / 32 : kWords;
    for (int64_t i = threadIdx.x; i < words; i += blockDim.x) bits[i] = 0;
    __syncthreads();
    for (int64_t i = threadIdx.x; i < count; i += blockDim.x) {
      const int64_t index = indices[i] - base;
      if (index >= 0 && index < kWindow) atomicOr(&bits[index / 32], 1u << (index % 32));
    }
    __syncthreads();
    const int64_t found = prefixSums<4, int32_t>(
        words, [&](int64_t i) { return __popc(bits[i]); },
        [&](int64_t i, int32_t rank, int32_t) { ranks[i] = rank; });
    __syncthreads();
    for (int64_t i = threadIdx.x; i < count; i += blockDim.x) {
      const int64_t index = indices[i] - base;
      if (index < 0 || index >= kWindow) continue;
      const uint32_t below = bits[index / 32] & ((1u << (index % 32)) - 1u);
      const int64_t place = before + ranks[index / 32] + __popc(below);
      args.features[place] = indices[i];
      args.a[place] = values[i];
    }
    before += found;
    __syncthreads();
  }
}

namespace {

/** A row's errors in columns first + 128·i, those beyond d left out (for kN = 1). */
template <int kN>
__device__ __forceinline__ void errorColumns(const TrainErrorArgs& args, int first) {
  constexpr int kStaged = 128;
  __shared__ float a[kStaged];
  __shared__ int64_t offsets[kStaged];
  const bool live = kN > 1 || first < args.d;
  const int64_t row = blockIdx.x;
  const int64_t pairs = row * args.places;
  const int count = args.counts[row];
  const float* wDec = args.wDec + first;
  float sum[kN];
#pragma unroll
  for (int i = 0; i < kN; ++i) sum[i] = 0.0f;
  for (int base = 0; base < count; base += kStaged) {
    const int part = count - base < kStaged ? count - base : kStaged;
    __syncthreads();
    if (threadIdx.x < part) {
      a[threadIdx.x] = args.a[pairs + base + threadIdx.x];
      offsets[threadIdx.x] = args.features[pairs + base + threadIdx.x] * args.d;
    }
    __syncthreads();
    if (!live) continue;
#pragma unroll 4
    for (int j = 0; j < part; ++j) {
      const float* w = wDec + offsets[j];
#pragma unroll
      for (int i = 0; i < kN; ++i) sum[i] = __fmaf_rn(a[j], w[128 * i], sum[i]);
    }
  }
  if (!live) return;
#pragma unroll
  for (int i = 0; i < kN; ++i) {
    const int e = first + 128 * i;
    float xHat = __fadd_rn(sum[i], args.bias == nullptr ? 0.0f : args.bias[e]);
    if (xHat > kLargestFinite) xHat = kLargestFinite;
    if (xHat < -kLargestFinite) xHat = -kLargestFinite;
    args.error[row * args.d + e] = __fsub_rn(args.target[row * args.d + e], xHat);
  }
}

}  // namespace

/**
 * error = target − (Σ a·W_dec[f] + bias), features ascending; x̂ is held within float32. CTAs of 128 threads,
 * 512 columns of a row each; blocks run over the rows first, so that 512 columns of W_dec (2 KiB a feature)
 * stay in L2 while all rows read them: W_dec comes from memory once, 4·L0·d B a row from L2.
 */
extern "C" __global__ void __launch_bounds__(128)
    cox_train_error(const __grid_constant__ TrainErrorArgs args) {
  const int first = 512 * static_cast<int>(blockIdx.y) + static_cast<int>(threadIdx.x);
  // All four columns of a thread, or one after the other in a row's last slice.
  if (512 * (static_cast<int>(blockIdx.y) + 1) <= args.d) {
    errorColumns<4>(args, first);
    return;
  }
  const int left = static_cast<int>(args.d) - 512 * static_cast<int>(blockIdx.y);
  for (int column = 0; column < left; column += 128) errorColumns<1>(args, first + column);
}
