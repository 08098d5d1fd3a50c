// The k best keys of a set by a CTA: a radix search for the lowest key to take, and a sort of what is taken.
// Exact for any number of ties: keys (order.cuh) are unique.
#pragma once

#include <cstdint>

#include "common/order.cuh"
#include "common/reduce.cuh"

namespace coxswain {

constexpr int kDigitBits = 11;
constexpr int kBins = 1 << kDigitBits;

/** Shared memory of a CTA's search. */
struct SearchShared {
  uint32_t bins[kBins];
  uint32_t warps[32];  // one value a warp
  uint32_t found;      // bin
  uint32_t atLeast;    // keys in that bin and above
  uint32_t inBin;
};

__device__ __forceinline__ int warpId() { return static_cast<int>(threadIdx.x) >> 5; }
__device__ __forceinline__ int warpCount() { return static_cast<int>(blockDim.x) >> 5; }

/** Σ of v over the CTA's warps, v the same in all lanes of a warp; and of the warps before this one. */
__device__ __forceinline__ uint32_t ctaSum(uint32_t v, uint32_t* warps, uint32_t* before) {
  __syncthreads();
  if (laneId() == 0) warps[warpId()] = v;
  __syncthreads();
  const uint32_t mine = laneId() < warpCount() ? warps[laneId()] : 0;
  *before = warpSum(laneId() < warpId() ? mine : 0);
  return warpSum(mine);
}

/**
 * Finds the highest bin with `wanted` keys in it and above (there are as many) and leaves it in `shared`.
 * Each warp has kBins / warps bins, the first warp the highest.
 */
__device__ __forceinline__ void findBin(uint32_t wanted, SearchShared& shared) {
  const int binsOfWarp = kBins / warpCount();
  const int top = kBins - 1 - warpId() * binsOfWarp - laneId();
  uint32_t sum = 0;
  for (int i = 0; i < binsOfWarp; i += 32) sum += shared.bins[top - i];
  sum = warpSum(sum);
  uint32_t above;
  ctaSum(sum, shared.warps, &above);
  if (above < wanted && wanted <= above + sum) {
    for (int i = 0; i < binsOfWarp; i += 32) {
      const uint32_t own = shared.bins[top - i];
      uint32_t through = own;
#pragma unroll
      for (int o = 1; o < 32; o <<= 1) {
        const uint32_t lower = __shfl_up_sync(kAllLanes, through, o);
        if (laneId() >= o) through += lower;
      }
      const uint32_t reached = __ballot_sync(kAllLanes, above + through >= wanted);
      if (reached != 0) {
        if (laneId() == __ffs(static_cast<int>(reached)) - 1) {
          shared.found = static_cast<uint32_t>(top - i);
          shared.atLeast = above + through;
          shared.inBin = own;
        }
        break;
      }
      above += __shfl_sync(kAllLanes, through, 31);
    }
  }
  __syncthreads();
}

/** How many of the source's keys are not kNoKey. */
template <class Source>
__device__ __forceinline__ uint32_t countKeys(const Source& source, SearchShared& shared) {
  uint32_t own = 0;
  for (int64_t i = threadIdx.x; i < source.count; i += blockDim.x) own += source.key(i) != kNoKey;
  uint32_t before;
  return ctaSum(warpSum(own), shared.warps, &before);
}

/**
 * A key that at least `wanted` keys of the source reach (it has as many) and at most `room` ≥ wanted. By
 * kScores the scores' bits alone count: the result is then the wanted-th largest score, with index bits 0,
 * whatever ties with it.
 */
template <bool kScores, class Source>
__device__ __forceinline__ uint64_t findCutoff(const Source& source, uint32_t wanted, uint32_t room,
                                               SearchShared& shared) {
  uint64_t prefix = 0;
  uint32_t above = 0;  // keys above every key with this prefix
  int known = 64;      // bits from here on are in prefix
  for (;;) {
    const int shift = known > kDigitBits ? known - kDigitBits : 0;
    const uint32_t mask = (1u << (known - shift)) - 1u;
    for (int bin = static_cast<int>(threadIdx.x); bin < kBins; bin += static_cast<int>(blockDim.x)) {
      shared.bins[bin] = 0;
    }
    __syncthreads();
    for (int64_t i = threadIdx.x; i < source.count; i += blockDim.x) {
      const uint64_t key = source.key(i);
      const bool counts = key != kNoKey && (known == 64 || key >> known == prefix >> known);
      if (counts) atomicAdd(&shared.bins[static_cast<uint32_t>(key >> shift) & mask], 1u);
    }
    __syncthreads();
    findBin(wanted - above, shared);
    prefix |= static_cast<uint64_t>(shared.found) << shift;
    const uint32_t total = above + shared.atLeast;
    above = total - shared.inBin;
    known = shift;
    if (kScores ? known <= 32 : (total <= room || known == 0)) return kScores ? prefix >> 32 << 32 : prefix;
    __syncthreads();
  }
}

__device__ __forceinline__ uint64_t exchangeKeys(uint64_t key, int distance, bool descending) {
  const uint64_t other = __shfl_xor_sync(kAllLanes, key, distance);
  const bool first = (laneId() & distance) == 0;
  return (first == descending) == (key > other) ? key : other;
}

/** Merges (16, 8, 4, 2, 1 places apart) within every 32 keys; `span`: of the bitonic runs being merged. */
__device__ __forceinline__ void mergeWithinWarps(uint64_t* keys, int count, int span) {
  for (int base = 32 * warpId(); base < count; base += 32 * warpCount()) {
    const int i = base + laneId();
    uint64_t key = keys[i];
#pragma unroll
    for (int distance = 16; distance > 0; distance >>= 1) key = exchangeKeys(key, distance, (i & span) == 0);
    keys[i] = key;
  }
}

/** Sorts `count` keys in shared memory, a power of two and at least 32, descending (bitonic). */
__device__ __forceinline__ void sortKeys(uint64_t* keys, int count) {
  for (int base = 32 * warpId(); base < count; base += 32 * warpCount()) {
    const int i = base + laneId();
    uint64_t key = keys[i];
#pragma unroll
    for (int span = 2; span <= 32; span <<= 1) {
#pragma unroll
      for (int distance = span / 2; distance > 0; distance >>= 1) {
        key = exchangeKeys(key, distance, (i & span) == 0);
      }
    }
    keys[i] = key;
  }
  for (int span = 64; span <= count; span <<= 1) {
    for (int distance = span / 2; distance >= 32; distance >>= 1) {
      __syncthreads();
      for (int t = static_cast<int>(threadIdx.x); t < count / 2; t += static_cast<int>(blockDim.x)) {
        const int i = t / distance * 2 * distance + t % distance;
        const uint64_t a = keys[i];
        const uint64_t b = keys[i + distance];
        if ((a < b) == ((i & span) == 0)) {
          keys[i] = b;
          keys[i + distance] = a;
        }
      }
    }
    __syncthreads();
    mergeWithinWarps(keys, count, span);
  }
  __syncthreads();
}

}  // namespace coxswain
