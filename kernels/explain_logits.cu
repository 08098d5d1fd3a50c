// Logits of the explanation: L[c,w] = the canonical dot (docs/design.md) of feature c and word w, float32.
//
// A CTA makes 64 × 64 logits, a thread 4 × 4. All threads walk the same 8 of a dot's 256 accumulators at a
// time (elements 8l to 8l + 7 of every 256): 128 registers hold them for 16 pairs. The 32 sums s_l come in an
// order in which the tree over o = 16, 8, 4, 2, 1 is that of a binary counter (l is the turn with its bits
// reversed), whose five pending values a pair stay in shared memory.
//
// Limit: float32 FMA, F·V·(d + 255) operations. Each piece (8 elements of 128 rows, one 32-byte sector a row)
// is fetched by cp.async four turns ahead and used 32 times an element; features' tiles run fastest, so that
// a chunk of features stays in L2 while the words stream by once. 16 loads of 16 bytes from shared memory
// feed 128 FMA.
#include <cstdint>

#include "common/ptx.cuh"

namespace coxswain {
namespace {

constexpr int kTile = 64;                    // features and words of a CTA
constexpr int kThreads = 256;                // 4 × 2 warps of 16 features × 32 words
constexpr int kStages = 4;                   // pieces in flight
constexpr int kLevels = 5;                   // of the tree over the 32 sums
constexpr int kHalf = 4 * (2 * kTile) + 16;  // floats of 4 elements of all rows; the offset parts their banks

/** The pieces of a row in the order of the tree: turn by turn, and within one by ascending element. */
struct Pieces {
  int turn = 0;
  int element = 0;

  __device__ static int first(int turn) { return static_cast<int>(__brev(turn) >> 27) * 8; }

  __device__ bool any(int d) const { return element < d; }

  __device__ void next(int d) {
    element += 256;
    while (element >= d && ++turn < 32) element = first(turn);
  }
};

/** What a thread brings of each piece: 4 elements of one row. kVector: rows begin at multiples of 16 bytes.
 */
template <bool kVector>
struct Feed {
  const float* row;  // [d], from the thread's first element on
  float* place;      // in stage 0
  int left;          // elements of the row from there on
  float pad;         // past the row's end; −0 · 0 added to an accumulator leaves its very bits

  __device__ void fetch(int element, int stage) const {
    float* to = place + stage * 2 * kHalf;
    if constexpr (kVector) {
      if (element < left) {
        copyAsync16(sharedAddress(to), row + element);
      } else {
        *reinterpret_cast<float4*>(to) = make_float4(pad, pad, pad, pad);
      }
    } else {
      for (int i = 0; i < 4; ++i) {
        if (element + i < left) {
          copyAsync4(sharedAddress(to + i), row + element + i);
        } else {
          to[i] = pad;
        }
      }
    }
  }
};

/** One piece of 4 features and 4 words of a thread: sums[4i + j][a] += u_i · w_j. */
__device__ __forceinline__ void multiply(const float* features, const float* words, float (&sums)[16][8]) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float4 u[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) u[i] = *reinterpret_cast<const float4*>(features + half * kHalf + 16 * i);
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const float4 w = *reinterpret_cast<const float4*>(words + half * kHalf + 32 * j);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        float* sum = sums[4 * i + j] + 4 * half;
        sum[0] = __fmaf_rn(u[i].x, w.x, sum[0]);
        sum[1] = __fmaf_rn(u[i].y, w.y, sum[1]);
        sum[2] = __fmaf_rn(u[i].z, w.z, sum[2]);
        sum[3] = __fmaf_rn(u[i].w, w.w, sum[3]);
      }
    }
  }
}

__device__ __forceinline__ float sumOf(const float (&a)[8]) {
  return ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]));
}

/** Adds a turn's sums to the tree: as many levels as the turn's number ends in ones. */
__device__ __forceinline__ void push(int turn, float (&value)[16], float4* pending) {
  int level = 0;
  for (; turn & 1; turn >>= 1, ++level) {
#pragma unroll
    for (int q = 0; q < 4; ++q) {
      const float4 other = pending[(4 * level + q) * kThreads];
      value[4 * q] += other.x;
      value[4 * q + 1] += other.y;
      value[4 * q + 2] += other.z;
      value[4 * q + 3] += other.w;
    }
  }
  if (level == kLevels) return;
#pragma unroll
  for (int q = 0; q < 4; ++q) {
    pending[(4 * level + q) * kThreads] =
        make_float4(value[4 * q], value[4 * q + 1], value[4 * q + 2], value[4 * q + 3]);
  }
}

/** f ≥ 1, V ≥ 1, 1 ≤ d < 2^30. */
struct ExplainLogitsArgs {
  const float* features;  // U [f, d]
  const float* words;     // E [V, d]
  float* logits;          // written; L [f, stride], V of each row
  int64_t f;
  int64_t v;
  int64_t d;
  int64_t stride;
};

template <bool kVector>
__device__ void logitsTile(const ExplainLogitsArgs& args) {
  extern __shared__ __align__(16) float shared[];
  float* stages = shared + kLevels * 16 * kThreads;
  const int thread = threadIdx.x;
  const int64_t featureTiles = (args.f + kTile - 1) / kTile;
  const int64_t firstFeature = blockIdx.x % featureTiles * kTile;
  const int64_t firstWord = blockIdx.x / featureTiles * kTile;

  const int fedRow = thread / 2;
  const bool feedsFeature = fedRow < kTile;
  Feed<kVector> feed;
  const int first = 4 * (thread % 2);
  feed.row = feedsFeature ? args.features + min(firstFeature + fedRow, args.f - 1) * args.d + first
                          : args.words + min(firstWord + fedRow - kTile, args.v - 1) * args.d + first;
  feed.place = stages + thread % 2 * kHalf + 4 * fedRow;
  feed.left = static_cast<int>(args.d) - first;
  feed.pad = feedsFeature ? -0.0f : 0.0f;

  const int d = static_cast<int>(args.d);
  Pieces ahead;
  for (int stage = 0; stage < kStages - 1; ++stage) {
    if (ahead.any(d)) feed.fetch(ahead.element, stage);
    ahead.next(d);
    copyAsyncCommit();
  }
  const int warp = thread / 32;
  const int lane = thread % 32;
  const int feature = 16 * (warp / 2) + lane / 8;  // and + 4, 8, 12
  const int word = 32 * (warp % 2) + lane % 8;     // and + 8, 16, 24
  float4* pending = reinterpret_cast<float4*>(shared) + thread;
  float value[16];
  int stage = 0;
  for (int turn = 0; turn < 32; ++turn) {
    float sums[16][8];
#pragma unroll
    for (int pair = 0; pair < 16; ++pair) {
#pragma unroll
      for (int a = 0; a < 8; ++a) sums[pair][a] = 0.0f;
    }
    for (int e = Pieces::first(turn); e < d; e += 256) {
      copyAsyncWait<kStages - 2>();
      __syncthreads();
      if (ahead.any(d)) feed.fetch(ahead.element, (stage + kStages - 1) % kStages);
      ahead.next(d);
      copyAsyncCommit();
      const float* piece = stages + stage * 2 * kHalf;
      multiply(piece + 4 * feature, piece + 4 * (kTile + word), sums);
      stage = (stage + 1) % kStages;
    }
#pragma unroll
    for (int pair = 0; pair < 16; ++pair) value[pair] = sumOf(sums[pair]);
    push(turn, value, pending);
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int64_t c = firstFeature + feature + 4 * i;
    for (int j = 0; j < 4; ++j) {
      const int64_t w = firstWord + word + 8 * j;
      if (c < args.f && w < args.v) args.logits[c * args.stride + w] = value[4 * i + j];
    }
  }
}

}  // namespace
}  // namespace coxswain

/**
 * Where every row of U and E begins at a multiple of 16 bytes. Grid: ⌈f/64⌉·⌈V/64⌉ CTAs of 256 threads,
 * features fastest. Shared: LOGITS_SHARED of ExplainPlan.
 */
extern "C" __global__ void __launch_bounds__(256, 1)
    cox_explain_logits(const __grid_constant__ coxswain::ExplainLogitsArgs args) {
  coxswain::logitsTile<true>(args);
}

/** Any rows; launched alike. */
extern "C" __global__ void __launch_bounds__(256, 1)
    cox_explain_logits_any(const __grid_constant__ coxswain::ExplainLogitsArgs args) {
  coxswain::logitsTile<false>(args);
}
