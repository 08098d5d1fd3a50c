// Second pass of the explanation over logits: each feature's M words of highest score, best first, ties by
// lower word.
//
// A CTA takes one feature after the other. Its 128 threads score 128 words at a time; what beats the worst
// word kept so far goes to a buffer in shared memory. A full buffer is sorted there and merged with the kept
// words, whose two lists in memory take turns. Both orders are total, so that neither who appends first nor
// when the buffer is emptied shows in the result. M is not limited; words are only ever dropped when M better
// ones are kept.
//
// Traffic: 4 bytes a logit once. Limit: one exp in double a logit, or that traffic; for M far below V the
// sorts are few: M·ln(V/256) words pass the threshold after the first buffer.
#include <cstdint>

#include "common/math.cuh"
#include "common/reduce.cuh"

namespace coxswain {

/** A word kept for a feature; what else is told of it follows from its logit. */
struct __align__(16) ExplainedWord {
  double score;
  int32_t word;
  float logit;
};

struct ExplainTopArgs {
  const float* logits;            // L [f, stride]
  const double* rowLogSumExp;     // [f]
  const double* columnLogSumExp;  // [V]
  ExplainedWord* kept;            // scratch; [CTAs, 2, M]
  int32_t* words;                 // written; [f, M]
  double* scores;                 // written; [f, M]
  double* wordGivenFeature;       // written; [f, M]
  double* logFeatureGivenWord;    // written; [f, M]
  int64_t f;
  int64_t v;
  int64_t stride;
  int64_t top;  // M, 1 to V
  double alpha;
  double beta;
  double shift;  // log F, or 0 for the paper's objective
};

namespace {

constexpr int kThreads = 128;
constexpr int kBuffer = 256;

/** In one access of 16 bytes, without which neighbours in shared memory would share banks. */
__device__ __forceinline__ ExplainedWord load(const ExplainedWord* from) {
  const int4 raw = *reinterpret_cast<const int4*>(from);
  return {__hiloint2double(raw.y, raw.x), raw.z, __int_as_float(raw.w)};
}
__device__ __forceinline__ void store(const ExplainedWord& word, ExplainedWord* to) {
  *reinterpret_cast<int4*>(to) = make_int4(__double2loint(word.score), __double2hiint(word.score), word.word,
                                           __float_as_int(word.logit));
}

__device__ __forceinline__ bool precedes(const ExplainedWord& a, const ExplainedWord& b) {
  return a.score > b.score || (a.score == b.score && a.word < b.word);
}

/** How many of list[0, count), which is sorted, precede x. */
__device__ __forceinline__ int64_t countPreceding(const ExplainedWord* list, int64_t count,
                                                  const ExplainedWord& x) {
  int64_t low = 0;
  int64_t high = count;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (precedes(load(list + middle), x)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** What a word is worth to a feature (docs/design.md, explanation). */
struct Scoring {
  double alpha;
  double beta;
  double shift;
  double rowLogSumExp;

  __device__ double given(float logit) const { return expOf(over(logit, alpha) - rowLogSumExp); }
  __device__ double logGiven(float logit, double columnLogSumExp) const {
    return over(logit, beta) - columnLogSumExp;
  }
  __device__ double score(float logit, double columnLogSumExp) const {
    return given(logit) * (logGiven(logit, columnLogSumExp) + shift);
  }
};

/**
 * Sorts the `count` entries of a [kBuffer]; b is as large. The sorted entries are in the returned one.
 * Bitonic: an entry's partner is its own place with one bit flipped, so a warp's 16-byte accesses never share
 * a bank.
 */
__device__ ExplainedWord* sorted(ExplainedWord* a, ExplainedWord* b, int count) {
  int size = 2;
  while (size < count) size *= 2;
  for (int i = count + threadIdx.x; i < size; i += kThreads) {
    store({-__builtin_inf(), INT32_MAX, 0.0f}, a + i);
  }
  __syncthreads();
  for (int run = 2; run <= size; run *= 2) {
    for (int bit = run / 2; bit > 0; bit /= 2) {
      for (int i = threadIdx.x; i < size; i += kThreads) {
        const ExplainedWord mine = load(a + i);
        const ExplainedWord other = load(a + (i ^ bit));
        const bool wantsFirst = ((i & run) == 0) == ((i & bit) == 0);
        store(precedes(mine, other) == wantsFirst ? mine : other, b + i);
      }
      __syncthreads();
      ExplainedWord* swap = a;
      a = b;
      b = swap;
    }
  }
  return a;
}

/** The best `top` of kept[0, count) and fresh[0, added), both sorted, to `merged`; returns how many. */
__device__ int64_t mergeBest(const ExplainedWord* kept, int64_t count, const ExplainedWord* fresh, int added,
                             int64_t top, ExplainedWord* merged) {
  for (int64_t i = threadIdx.x; i < count; i += kThreads) {
    const ExplainedWord word = load(kept + i);
    const int64_t place = i + countPreceding(fresh, added, word);
    if (place < top) store(word, merged + place);
  }
  for (int64_t i = threadIdx.x; i < added; i += kThreads) {
    const ExplainedWord word = load(fresh + i);
    const int64_t place = i + countPreceding(kept, count, word);
    if (place < top) store(word, merged + place);
  }
  __syncthreads();
  return min(top, count + added);
}

/** One feature's best words while they are found. The same in all threads of the CTA. */
struct Best {
  ExplainedWord* kept;   // [count], sorted
  ExplainedWord* spare;  // [M]
  int64_t count;
  double worst;  // kept's last score once there are M

  /** Whether a word that comes after all kept ones belongs to them. */
  __device__ bool wants(double score, int64_t top) const { return count < top || score > worst; }

  /** Empties the buffer: sort it, merge it. */
  __device__ void take(ExplainedWord* buffer, ExplainedWord* other, int added, int64_t top) {
    const ExplainedWord* fresh = sorted(buffer, other, added);
    count = mergeBest(kept, count, fresh, added, top, spare);
    ExplainedWord* swap = kept;
    kept = spare;
    spare = swap;
    worst = kept[count - 1].score;
  }
};

}  // namespace
}  // namespace coxswain

/** Grid: any number of CTAs of 128 threads; each has its own two lists in `kept`. */
extern "C" __global__ void __launch_bounds__(128, 8)
    cox_explain_top(const __grid_constant__ coxswain::ExplainTopArgs args) {
  using namespace coxswain;
  __shared__ ExplainedWord buffer[kBuffer];
  __shared__ ExplainedWord other[kBuffer];
  __shared__ int buffered;
  const int thread = threadIdx.x;
  ExplainedWord* lists = args.kept + blockIdx.x * 2 * args.top;
  for (int64_t c = blockIdx.x; c < args.f; c += gridDim.x) {
    const float* row = args.logits + c * args.stride;
    const Scoring scoring = {args.alpha, args.beta, args.shift, args.rowLogSumExp[c]};
    Best best = {lists, lists + args.top, 0, 0};
    if (thread == 0) buffered = 0;
    __syncthreads();
    for (int64_t first = 0; first < args.v; first += kThreads) {
      const int64_t w = first + thread;
      ExplainedWord mine = {0, static_cast<int32_t>(w), 0};
      bool wanted = w < args.v;
      if (wanted) {
        mine.logit = row[w];
        mine.score = scoring.score(mine.logit, args.columnLogSumExp[w]);
        wanted = best.wants(mine.score, args.top);
      }
      const uint32_t takers = __ballot_sync(kAllLanes, wanted);
      int place = 0;
      if (laneId() == 0 && takers != 0) place = atomicAdd(&buffered, __popc(takers));
      place = __shfl_sync(kAllLanes, place, 0) + lanesBelow(takers);
      if (wanted) store(mine, buffer + place);
      __syncthreads();
      const int added = buffered;
      __syncthreads();
      const bool last = first + kThreads >= args.v;
      if (added > kBuffer - kThreads || (last && added > 0)) {
        best.take(buffer, other, added, args.top);
        if (thread == 0) buffered = 0;
        __syncthreads();
      }
    }
    for (int64_t i = thread; i < args.top; i += kThreads) {
      const ExplainedWord word = load(best.kept + i);
      args.words[c * args.top + i] = word.word;
      args.scores[c * args.top + i] = word.score;
      args.wordGivenFeature[c * args.top + i] = scoring.given(word.logit);
      args.logFeatureGivenWord[c * args.top + i] =
          scoring.logGiven(word.logit, args.columnLogSumExp[word.word]);
    }
    __syncthreads();
  }
}
