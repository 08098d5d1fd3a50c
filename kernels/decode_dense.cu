// x̂ of rows that share many of their features: F / K is small (docs/design.md, decode).
//
// CTA = 16 rows and a slice of 512 columns. It walks through all features in ascending order, 64 at a time,
// and loads each row of W_dec that any of its rows has active once for all of them: between 1.6 and 16 times
// fewer weights than a gather, from F/K = 16 down. The sum of a row keeps its order, so the bits are those of
// decode.cu; a matrix product on tensor cores would be faster still, but has no defined order.
//
// Traffic: at most F·d weights for 16 rows, and d results a row. The limit is L2's bandwidth.
// Resources (ptxas, sm_80 / sm_90): 104 / 105 registers, no spills.
#include "decode_row.cuh"

namespace coxswain {

constexpr int kTileRows = 16;
constexpr int kDenseThreads = 128;
constexpr int kPanel = 64;

struct DecodeDenseArgs {
  const float* values;         // [n, places]
  const float* normalization;  // [n, 2]: shift, scale
  int64_t places;
  int64_t rows;       // n
  const float* wDec;  // [F, d]; rows begin on 16 bytes
  const float* bDec;  // [d]; begins on 16 bytes
  int64_t features;
  int64_t d;           // a multiple of 4
  int64_t normalized;  // not 0: the rows' normalisation is undone
  void* xHat;          // [n, d] of dtype
  int64_t dtype;
  const uint64_t* sorted;  // [n, sortedPlaces] keys from cox_decode_sort; no feature twice in a row
  int64_t sortedPlaces;
  unsigned long long* report;  // [kDecodeReport]
};

/** Coefficients of the tile's rows for a panel of features. */
struct DensePanel {
  float value[kPanel][kTileRows];
  uint32_t rows[kPanel];  // bit r: row r of the tile has the feature
};

/** Where a row's keys go on; eight lanes read a row. */
class RowCursor {
 public:
  __device__ RowCursor(const DecodeDenseArgs& args, int64_t firstRow)
      : tileRow_(threadIdx.x / 8), row_(firstRow + tileRow_), active_(row_ < args.rows) {}

  /** Puts the row's features below `end` into the panel that begins at `first`. All lanes of the warp. */
  __device__ void fill(const DecodeDenseArgs& args, int64_t first, DensePanel& panel) {
    const int lane = threadIdx.x % 8;
    uint32_t taken;
    do {
      const uint64_t key = keyAt(args, at_ + lane);
      const int64_t feature = static_cast<int64_t>(key >> 32);
      const bool here = key != kNoFeature && feature < first + kPanel;
      // A feature that occurs again is counted by cox_decode_sort, and the rows decoded otherwise.
      const bool again = here && at_ + lane > 0 && keyAt(args, at_ + lane - 1) >> 32 == key >> 32;
      if (here && !again) {
        panel.value[feature - first][tileRow_] = args.values[row_ * args.places + static_cast<uint32_t>(key)];
        atomicOr(&panel.rows[feature - first], 1u << tileRow_);
      }
      taken = __popc(__ballot_sync(kAllLanes, here) >> (laneId() & ~7) & 0xffu);
      at_ += taken;
    } while (__any_sync(kAllLanes, taken == 8));
  }

 private:
  __device__ uint64_t keyAt(const DecodeDenseArgs& args, int64_t at) const {
    return active_ && at < args.sortedPlaces ? args.sorted[row_ * args.sortedPlaces + at] : kNoFeature;
  }

  int tileRow_;
  int64_t row_;
  bool active_;
  int64_t at_ = 0;
};

/** acc[r] = fma(a, w, acc[r]) for the rows that have the feature; the same branch in every thread. */
__device__ __forceinline__ void addFeature(const DensePanel& panel, int f, float4 w,
                                           float4 (&acc)[kTileRows]) {
  const uint32_t rows = panel.rows[f];
#pragma unroll
  for (int r = 0; r < kTileRows; ++r) {
    if ((rows >> r & 1) == 0) continue;
    const float a = panel.value[f][r];
    acc[r] = {__fmaf_rn(a, w.x, acc[r].x), __fmaf_rn(a, w.y, acc[r].y), __fmaf_rn(a, w.z, acc[r].z),
              __fmaf_rn(a, w.w, acc[r].w)};
  }
}

/** Adds a panel's features, four weights in flight. */
__device__ void addPanel(const DecodeDenseArgs& args, const DensePanel& panel, int64_t first, int64_t e,
                         float4 (&acc)[kTileRows]) {
  for (int f = 0; f < kPanel; f += 4) {
    float4 w[4] = {};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (panel.rows[f + i] != 0) {
        w[i] = __ldg(reinterpret_cast<const float4*>(args.wDec + (first + f + i) * args.d + e));
      }
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) addFeature(panel, f + i, w[i], acc);
  }
}

/** Rounds the tile's rows to x̂; returns how many elements were clamped. */
__device__ uint32_t storeTile(const DecodeDenseArgs& args, int64_t firstRow, int64_t e,
                              const float4 (&acc)[kTileRows]) {
  const Dtype dtype = static_cast<Dtype>(args.dtype);
  uint32_t clamped = 0;
#pragma unroll
  for (int r = 0; r < kTileRows; ++r) {
    const int64_t row = firstRow + r;
    if (row >= args.rows) break;
    const DecodeFinish finish{args.bDec, args.normalized != 0, args.normalization[2 * row],
                              args.normalization[2 * row + 1]};
    const float4 y = finish.quad(acc[r], e);
    char* xHat = static_cast<char*>(args.xHat) + row * args.d * dtypeBytes(dtype);
    clamped += storeQuad(y, xHat, dtype, e);
  }
  return clamped;
}

}  // namespace coxswain

/** Grid: (tiles of rows, slices of columns). */
extern "C" __global__ void __launch_bounds__(coxswain::kDenseThreads)
    cox_decode_dense(const __grid_constant__ coxswain::DecodeDenseArgs args) {
  __shared__ coxswain::DensePanel panel;
  const int64_t firstRow = static_cast<int64_t>(blockIdx.x) * coxswain::kTileRows;
  const int64_t e = 4 * (static_cast<int64_t>(blockIdx.y) * coxswain::kDenseThreads + threadIdx.x);
  coxswain::RowCursor cursor(args, firstRow);
  float4 acc[coxswain::kTileRows] = {};
  for (int64_t first = 0; first < args.features; first += coxswain::kPanel) {
    if (threadIdx.x < coxswain::kPanel) panel.rows[threadIdx.x] = 0;
    __syncthreads();
    cursor.fill(args, first, panel);
    __syncthreads();
    if (e < args.d) coxswain::addPanel(args, panel, first, e, acc);
    __syncthreads();
  }
  if (e >= args.d) return;
  const uint32_t clamped = coxswain::storeTile(args, firstRow, e, acc);
  if (clamped != 0) atomicAdd(args.report + coxswain::kClamped, static_cast<unsigned long long>(clamped));
}
