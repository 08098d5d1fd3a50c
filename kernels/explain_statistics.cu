// First pass of the explanation over logits: log-sum-exps of rows (over words) and columns (over features).
//
// cox_explain_blocks reduces each block of 128 × 128 logits to 128 row and 128 column parts, in the lanes'
// order of docs/design.md; cox_explain_merge_rows and _columns add the parts in ascending order of blocks. No
// atomics, nothing waits: who computes a block when does not show.
//
// Traffic: 4 bytes a logit once, 1/32 of that for the parts. Limit: two exp in double a logit (some 60 double
// operations) or that traffic; both are far below the dots that made the logits where d is above 200 or so
// and the device has full-rate double.
#include <cstdint>

#include "common/log_sum.cuh"
#include "common/ptx.cuh"

namespace coxswain {
namespace {

constexpr int kBlock = 128;
constexpr int kThreads = 256;
constexpr int kPitch = kBlock + 1;  // floats of a block's row: a column's lanes fall into different banks
constexpr float kNone = -__builtin_inff();

}  // namespace

/** f ≥ 1 features of a chunk that begins at a multiple of 128. */
struct ExplainBlocksArgs {
  const float* logits;  // L [f, stride]
  LogSum* rowParts;     // written; [⌈V/128⌉, f]
  LogSum* columnParts;  // written; [⌈f/128⌉, V]
  int64_t f;
  int64_t v;
  int64_t stride;
  double alpha;
  double beta;
};

struct ExplainMergeRowsArgs {
  const LogSum* parts;   // [blocks, f]
  double* rowLogSumExp;  // written; [f]
  int64_t f;
  int64_t blocks;
};

struct ExplainMergeColumnsArgs {
  const LogSum* parts;  // [blocks, V]
  LogSum* columns;      // updated; [V]
  int64_t v;
  int64_t blocks;
};

struct ExplainColumnLogsArgs {
  const LogSum* columns;    // [V]
  double* columnLogSumExp;  // written; [V]
  int64_t v;
};

}  // namespace coxswain

/** Grid: ⌈f/128⌉·⌈V/128⌉ CTAs of 256 threads, features fastest. Shared: 128·129 floats. */
extern "C" __global__ void __launch_bounds__(256, 3)
    cox_explain_blocks(const __grid_constant__ coxswain::ExplainBlocksArgs args) {
  using namespace coxswain;
  extern __shared__ __align__(16) float block[];  // [128, kPitch]
  const int lane = laneId();
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int64_t featureBlocks = (args.f + kBlock - 1) / kBlock;
  const int64_t featureBlock = blockIdx.x % featureBlocks;
  const int64_t wordBlock = blockIdx.x / featureBlocks;
  const int64_t firstFeature = featureBlock * kBlock;
  const int64_t firstWord = wordBlock * kBlock;

  for (int c = warp; c < kBlock; c += kThreads / 32) {
    const float* row = args.logits + (firstFeature + c) * args.stride + firstWord;
    for (int w = lane; w < kBlock; w += 32) {
      float* to = block + c * kPitch + w;
      if (firstFeature + c < args.f && firstWord + w < args.v) {
        copyAsync4(sharedAddress(to), row + w);
      } else {
        *to = kNone;
      }
    }
  }
  copyAsyncCommit();
  copyAsyncWait<0>();
  __syncthreads();

  LogSum mine = {0, 0};  // lane i's: of the warp's row or column i
  for (int i = 0; i < 16; ++i) {
    const float* row = block + (16 * warp + i) * kPitch + lane;
    const LogSum part = logSumOf({row[0], row[32], row[64], row[96]}, args.alpha);
    if (lane == i) mine = part;
  }
  const int64_t c = firstFeature + 16 * warp + lane;
  if (lane < 16 && c < args.f) args.rowParts[wordBlock * args.f + c] = mine;

  for (int i = 0; i < 16; ++i) {
    const float* column = block + lane * kPitch + 16 * warp + i;
    const LogSum part =
        logSumOf({column[0], column[32 * kPitch], column[64 * kPitch], column[96 * kPitch]}, args.beta);
    if (lane == i) mine = part;
  }
  const int64_t w = firstWord + 16 * warp + lane;
  if (lane < 16 && w < args.v) args.columnParts[featureBlock * args.v + w] = mine;
}

/**
 * A warp a feature: 32 blocks at a time. The running maximum before and after each block, and with it both
 * factors of each merge, are known at once; what is left in sequence is a product and a sum a block.
 * Grid: ⌈f/32⌉ CTAs of 1,024 threads, which read the parts of 32 features together.
 */
extern "C" __global__ void __launch_bounds__(1024)
    cox_explain_merge_rows(const __grid_constant__ coxswain::ExplainMergeRowsArgs args) {
  using namespace coxswain;
  __shared__ double results[32];
  __shared__ LogSum tile[32][33];  // [block, feature]; one more, so that a feature's parts lie in all banks
  const int lane = laneId();
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int64_t firstFeature = blockIdx.x * int64_t{32};
  LogSum total = {kNone, 0.0};
  for (int64_t first = 0; first < args.blocks; first += 32) {
    const int count = static_cast<int>(min(args.blocks - first, int64_t{32}));
    __syncthreads();
    LogSum part = {kNone, 0.0};
    if (warp < count && firstFeature + lane < args.f) {
      part = args.parts[(first + warp) * args.f + firstFeature + lane];
    }
    tile[warp][lane] = part;
    __syncthreads();
    part = tile[lane][warp];
    double max = fmax(part.max, total.max);
#pragma unroll
    for (int o = 1; o < 32; o *= 2) {
      const double other = __shfl_up_sync(kAllLanes, max, o);
      if (lane >= o) max = fmax(max, other);
    }
    double before = __shfl_up_sync(kAllLanes, max, 1);
    if (lane == 0) before = total.max;
    const double scale = expOf(before - max);
    const double added = part.sum * expOf(part.max - max);
    for (int i = 0; i < count; ++i) {
      total.sum = total.sum * __shfl_sync(kAllLanes, scale, i) + __shfl_sync(kAllLanes, added, i);
    }
    total.max = __shfl_sync(kAllLanes, max, count - 1);
  }
  if (lane == 0) results[warp] = total.max + logOf(total.sum);
  __syncthreads();
  if (warp == 0 && firstFeature + lane < args.f) args.rowLogSumExp[firstFeature + lane] = results[lane];
}

/** A thread a word. Grid: ⌈V/256⌉ CTAs of 256 threads. */
extern "C" __global__ void __launch_bounds__(256)
    cox_explain_merge_columns(const __grid_constant__ coxswain::ExplainMergeColumnsArgs args) {
  using namespace coxswain;
  const int64_t w = blockIdx.x * int64_t{256} + threadIdx.x;
  if (w >= args.v) return;
  LogSum total = args.columns[w];
  for (int64_t block = 0; block < args.blocks; ++block) merge(total, args.parts[block * args.v + w]);
  args.columns[w] = total;
}

/** A thread a word. Grid: ⌈V/256⌉ CTAs of 256 threads. */
extern "C" __global__ void __launch_bounds__(256)
    cox_explain_column_logs(const __grid_constant__ coxswain::ExplainColumnLogsArgs args) {
  using namespace coxswain;
  const int64_t w = blockIdx.x * int64_t{256} + threadIdx.x;
  if (w >= args.v) return;
  const LogSum column = args.columns[w];
  args.columnLogSumExp[w] = column.max + logOf(column.sum);
}
