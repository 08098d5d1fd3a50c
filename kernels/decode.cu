// x̂ of rows from their active features (docs/design.md, decode).
//
// CTA = a row and a slice of up to 512 columns, slices outermost: the slab of W_dec that neighbouring CTAs
// gather from then stays in L2. One warp sorts the row's features in registers; 8 loads of 16 bytes a thread
// are in flight.
//
// Traffic: K·d weights and d results a row; the limit is L2's bandwidth for a batch, latency for a row alone.
// Where rows have so many features that most weights are wanted by several rows of a tile, decode_dense.cu is
// better.
// Resources (ptxas, sm_80 / sm_90): 69 / 56 registers, the sort 30 / 32, no spills.
#include "decode_row.cuh"

namespace coxswain {

struct DecodeArgs {
  const float* values;         // [n, places]
  const int32_t* indices;      // [n, places]
  const float* normalization;  // [n, 2]: shift, scale
  int64_t places;
  const float* wDec;  // [F, d]
  const float* bDec;  // [d]
  int64_t features;
  int64_t d;
  int64_t normalized;  // not 0: the rows' normalisation is undone
  void* xHat;          // [n, d] of dtype
  int64_t dtype;
  const uint64_t* sorted;      // [n, sortedPlaces] keys from cox_decode_sort; null: this kernel sorts
  int64_t sortedPlaces;        // a power of two
  unsigned long long* report;  // [kDecodeReport], added to
};

/** The next kWarpSorted features of the row's sorted keys, with the whole CTA; false behind the last feature.
 */
__device__ bool nextPiece(const DecodeArgs& args, const ActiveRows& active, int64_t row, int64_t from,
                          FeaturePiece& piece) {
  __syncthreads();
  if (from >= args.sortedPlaces) return false;
  const uint64_t* keys = args.sorted + row * args.sortedPlaces + from;
  if (keys[0] == kNoFeature) return false;
  const int size = static_cast<int>(min(args.sortedPlaces - from, static_cast<int64_t>(kWarpSorted)));
  for (int i = threadIdx.x; i < size; i += blockDim.x) {
    const bool present = keys[i] != kNoFeature;
    const int64_t at = row * active.places + static_cast<uint32_t>(keys[i]);
    place(keys[i], present ? active.values[at] : 0.0f, args.d, i, piece);
  }
  if (threadIdx.x < 32) {
    int count = 0;
    for (int i = threadIdx.x; i < size; i += 32) count += keys[i] != kNoFeature ? 1 : 0;
    count = static_cast<int>(warpSum(count));
    if (threadIdx.x == 0) piece.count = count;
  }
  __syncthreads();
  return true;
}

/** Calls gather(piece) for the row's features, in ascending pieces. */
template <class Gather>
__device__ void forEachPiece(const DecodeArgs& args, int64_t row, FeaturePiece& piece, const Gather& gather) {
  const ActiveRows active{args.values, args.indices, args.places, args.features};
  if (args.sorted != nullptr) {
    for (int64_t from = 0; nextPiece(args, active, row, from, piece); from += kWarpSorted) gather(piece);
    return;
  }
  if (threadIdx.x < 32) {
    unsigned long long* firstBad = args.report + kFirstBad;
    if (args.places <= 64) {
      sortRow<2>(active, row, args.d, firstBad, piece);
    } else {
      sortRow<kWarpSorted / 32>(active, row, args.d, firstBad, piece);
    }
  }
  __syncthreads();
  gather(piece);
}

/** Rows of whole 16-byte quads: thread t has columns [4t, 4t+4) of the slice. */
__device__ uint32_t decodeQuads(const DecodeArgs& args, int64_t row, const DecodeFinish& finish,
                                FeaturePiece& piece) {
  const int64_t e = 4 * (static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x);
  float4 acc{0.0f, 0.0f, 0.0f, 0.0f};
  forEachPiece(args, row, piece, [&](const FeaturePiece& features) {
    if (e < args.d) gatherFour(features, args.wDec, e, acc);
  });
  if (e >= args.d) return 0;
  const float4 y = finish.quad(acc, e);
  const Dtype dtype = static_cast<Dtype>(args.dtype);
  return storeQuad(y, static_cast<char*>(args.xHat) + row * args.d * dtypeBytes(dtype), dtype, e);
}

/** Any other d: thread t has columns t, t + threads, … of the slice. */
__device__ uint32_t decodeSingles(const DecodeArgs& args, int64_t row, const DecodeFinish& finish,
                                  FeaturePiece& piece) {
  const int64_t step = blockDim.x;
  const int64_t first = 4 * blockIdx.y * step + threadIdx.x;
  float acc[4] = {};
  forEachPiece(args, row, piece, [&](const FeaturePiece& features) {
    gatherSingles(features, args.wDec, first, step, args.d, acc);
  });
  const Dtype dtype = static_cast<Dtype>(args.dtype);
  char* xHat = static_cast<char*>(args.xHat) + row * args.d * dtypeBytes(dtype);
  uint32_t clamped = 0;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int64_t e = first + i * step;
    if (e < args.d) clamped += storeElement(finish.single(acc[i], e), xHat, dtype, e);
  }
  return clamped;
}

struct DecodeSortArgs {
  const float* values;
  const int32_t* indices;  // [n, places]
  int64_t places;
  int64_t features;
  uint64_t* sorted;      // [n, sortedPlaces], written
  int64_t sortedPlaces;  // the power of two from `places` on
  int64_t inShared;      // not 0: a row's keys fit shared memory
  unsigned long long* report;
};

/** Sorts `size` keys, a power of two, with the whole CTA. */
__device__ void sortKeys(uint64_t* keys, int64_t size) {
  for (int64_t run = 2; run <= size; run *= 2) {
    for (int64_t distance = run / 2; distance > 0; distance /= 2) {
      for (int64_t i = threadIdx.x; i < size / 2; i += blockDim.x) {
        const int64_t low = 2 * i - (i & (distance - 1));
        const uint64_t a = keys[low];
        const uint64_t b = keys[low + distance];
        if ((a > b) == ((low & run) == 0)) {
          keys[low] = b;
          keys[low + distance] = a;
        }
      }
      __syncthreads();
    }
  }
}

}  // namespace coxswain

/** Grid: (rows, slices); block: a multiple of 32 threads, up to 128. */
extern "C" __global__ void __launch_bounds__(128)
    cox_decode(const __grid_constant__ coxswain::DecodeArgs args) {
  __shared__ coxswain::FeaturePiece piece;
  const int64_t row = blockIdx.x;
  const coxswain::DecodeFinish finish{args.bDec, args.normalized != 0, args.normalization[2 * row],
                                      args.normalization[2 * row + 1]};
  const bool quads = args.d % 4 == 0 && coxswain::stridesAligned16(args.wDec, 0) &&
                     coxswain::stridesAligned16(args.bDec, 0) && coxswain::stridesAligned16(args.xHat, 0);
  const uint32_t clamped = quads ? coxswain::decodeQuads(args, row, finish, piece)
                                 : coxswain::decodeSingles(args, row, finish, piece);
  if (clamped != 0) atomicAdd(args.report + coxswain::kClamped, static_cast<unsigned long long>(clamped));
}

/** Orders rows of more than kWarpSorted places before cox_decode. Grid: rows; block: 512 threads. */
extern "C" __global__ void __launch_bounds__(512)
    cox_decode_sort(const __grid_constant__ coxswain::DecodeSortArgs args) {
  extern __shared__ uint64_t memory[];
  const int64_t row = blockIdx.x;
  const coxswain::ActiveRows active{args.values, args.indices, args.places, args.features};
  uint64_t* out = args.sorted + row * args.sortedPlaces;
  uint64_t* keys = args.inShared != 0 ? memory : out;
  unsigned long long bad = coxswain::kNoneBad;
  for (int64_t i = threadIdx.x; i < args.sortedPlaces; i += blockDim.x) keys[i] = active.key(row, i, bad);
  if (bad != coxswain::kNoneBad) atomicMin(args.report + coxswain::kFirstBad, bad);
  __syncthreads();
  coxswain::sortKeys(keys, args.sortedPlaces);
  unsigned int repeated = 0;
  for (int64_t i = threadIdx.x; i < args.sortedPlaces; i += blockDim.x) {
    const uint64_t before = i > 0 ? keys[i - 1] : coxswain::kNoFeature;
    repeated += before != coxswain::kNoFeature && before >> 32 == keys[i] >> 32 ? 1 : 0;
    if (args.inShared != 0) out[i] = keys[i];
  }
  if (repeated != 0) atomicAdd(args.report + coxswain::kRepeated, static_cast<unsigned long long>(repeated));
}
