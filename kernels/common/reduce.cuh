// The canonical dot (docs/design.md) on the device, and integer reductions.
//
// 256 accumulators A, all 0; for e ascending A[e mod 256] = fma(u[e], w[e], A[e mod 256]); then each eight
// A[8l] … A[8l+7] are added pairwise to s_l, and s_l = s_l + s_(l xor o) for o = 16, 8, 4, 2, 1. Addition
// commutes, so who holds which accumulator is free. A warp has two ways, chosen by how rows can be loaded;
// both end with the same bits, in every lane:
//
//   Quads    lane l holds A[4l] … A[4l+3] and A[128+4l] … A[128+4l+3]: two coalesced 16-byte loads of float32
//   Singles  lane l holds A[l+32j], j = 0 … 7: coalesced single loads, for rows without alignment
//
// And a CTA of 256 threads: thread t holds A[t]. Elements beyond d must be left out, not multiplied by 0.
#pragma once

#include <cstdint>

namespace coxswain {

constexpr uint32_t kAllLanes = 0xffffffffu;

__device__ __forceinline__ int laneId() { return static_cast<int>(threadIdx.x) & 31; }

__device__ __forceinline__ float addXor(float v, int offset) {
  return __fadd_rn(v, __shfl_xor_sync(kAllLanes, v, offset));
}

/** ((a0+a1) + (a2+a3)). */
__device__ __forceinline__ float sumQuad(const float* a) {
  return __fadd_rn(__fadd_rn(a[0], a[1]), __fadd_rn(a[2], a[3]));
}

/** a[i] = A[4·lane + i], a[4 + i] = A[128 + 4·lane + i]. Lanes 2l and 2l+1 hold s_l and s_(l+16). */
__device__ __forceinline__ float reduceQuads(const float (&a)[8]) {
  const float low = addXor(sumQuad(a), 1);
  const float high = addXor(sumQuad(a + 4), 1);
  float s = __fadd_rn(low, high);
#pragma unroll
  for (int o = 16; o > 1; o >>= 1) s = addXor(s, o);
  return s;
}

/** a[j] = A[lane + 32j]. After three exchanges lane l holds s_(4j + l/8) in a[j]. */
__device__ __forceinline__ float reduceSingles(const float (&a)[8]) {
  float s[8];
#pragma unroll
  for (int j = 0; j < 8; ++j) s[j] = addXor(addXor(addXor(a[j], 1), 2), 4);
  const float q0 = __fadd_rn(__fadd_rn(s[0], s[4]), __fadd_rn(s[2], s[6]));
  const float q1 = __fadd_rn(__fadd_rn(s[1], s[5]), __fadd_rn(s[3], s[7]));
  return addXor(addXor(__fadd_rn(q0, q1), 16), 8);
}

/** Adds fma(u, w, ·) of four consecutive elements to four accumulators. */
__device__ __forceinline__ void fmaQuad(float4 u, float4 w, float* a) {
  a[0] = __fmaf_rn(u.x, w.x, a[0]);
  a[1] = __fmaf_rn(u.y, w.y, a[1]);
  a[2] = __fmaf_rn(u.z, w.z, a[2]);
  a[3] = __fmaf_rn(u.w, w.w, a[3]);
}

/**
 * The canonical sum over a CTA of 256 threads: thread t brings A[t] and all get the result. `shared` [32]
 * may be used again after the next barrier.
 */
__device__ __forceinline__ float reduceCta256(float a, float* shared) {
  const int thread = static_cast<int>(threadIdx.x);
  const float s = addXor(addXor(addXor(a, 1), 2), 4);
  __syncthreads();
  if (thread % 8 == 0) shared[thread / 8] = s;
  __syncthreads();
  float total = shared[thread & 31];
#pragma unroll
  for (int o = 16; o > 0; o >>= 1) total = addXor(total, o);
  return total;
}

/** Sum over the warp of counts; all lanes get it. */
__device__ __forceinline__ uint32_t warpSum(uint32_t v) { return __reduce_add_sync(kAllLanes, v); }

/** How many lanes below this one have their bit set. */
__device__ __forceinline__ uint32_t lanesBelow(uint32_t ballot) {
  return __popc(ballot & ((1u << laneId()) - 1u));
}

}  // namespace coxswain
