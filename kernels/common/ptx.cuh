// Every inline PTX instruction of the kernels, one function each. Needs sm_80.
#pragma once

#include <cstdint>

namespace coxswain {

// ---- loads -------------------------------------------------------------------------------------------

/** 16 bytes of memory that nothing writes during the kernel, not kept in L1. p: 16-byte aligned. */
__device__ __forceinline__ float4 loadStream4(const float* p) {
  float4 v;
  asm("ld.global.nc.L1::no_allocate.v4.f32 {%0, %1, %2, %3}, [%4];"
      : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
      : "l"(__cvta_generic_to_global(p)));
  return v;
}

/** As loadStream4, 16 bytes of anything. */
__device__ __forceinline__ uint4 loadStream16(const void* p) {
  uint4 v;
  asm("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
      : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
      : "l"(__cvta_generic_to_global(p)));
  return v;
}

/** 4 bytes of memory that nothing writes during the kernel, not kept in L1. */
__device__ __forceinline__ float loadStream1(const float* p) {
  float v;
  asm("ld.global.nc.L1::no_allocate.f32 %0, [%1];" : "=f"(v) : "l"(__cvta_generic_to_global(p)));
  return v;
}

// ---- arithmetic --------------------------------------------------------------------------------------

/** a·b in 64 bits, one instruction: an offset of row a in bytes of a row b. */
__device__ __forceinline__ int64_t wideProduct(int32_t a, int32_t b) {
  int64_t product;
  asm("mul.wide.s32 %0, %1, %2;" : "=l"(product) : "r"(a), "r"(b));
  return product;
}

// ---- stores ------------------------------------------------------------------------------------------

/** 16 bytes in one store, of shared or global memory; the compiler splits such stores at times. p: 16-byte
 * aligned. */
__device__ __forceinline__ void storeVector4(float* p, float4 v) {
  asm volatile("st.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(p), "f"(v.x), "f"(v.y), "f"(v.z), "f"(v.w)
               : "memory");
}

// ---- conversions -------------------------------------------------------------------------------------

__device__ __forceinline__ float f16ToFloat(uint16_t half) {
  float v;
  asm("cvt.f32.f16 %0, %1;" : "=f"(v) : "h"(half));
  return v;
}

/** Nearest even; beyond 65519 infinite. */
__device__ __forceinline__ uint16_t floatToF16(float value) {
  uint16_t half;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(value));
  return half;
}

/** Nearest even. */
__device__ __forceinline__ uint16_t floatToBf16(float value) {
  uint16_t half;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(half) : "f"(value));
  return half;
}

// ---- asynchronous copies into shared memory ----------------------------------------------------------

__device__ __forceinline__ uint32_t sharedAddress(const void* p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}

/** Copies 16 bytes past L1; the first `bytes` of them from memory, the rest zeros. Both 16-byte aligned. */
__device__ __forceinline__ void copyAsync16(uint32_t shared, const void* global, uint32_t bytes = 16) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared),
               "l"(__cvta_generic_to_global(global)), "r"(bytes)
               : "memory");
}

/** Copies 4 bytes, for rows without alignment. */
__device__ __forceinline__ void copyAsync4(uint32_t shared, const void* global) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(shared), "l"(__cvta_generic_to_global(global))
               : "memory");
}

__device__ __forceinline__ void copyAsyncCommit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/** Waits until at most kPending of this thread's groups are under way; others' data needs a barrier too. */
template <int kPending>
__device__ __forceinline__ void copyAsyncWait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

// ---- matrix fragments --------------------------------------------------------------------------------

/** Four 8×8 matrices of 16-bit elements; lane l gives the address of row l mod 8 of matrix l / 8. */
__device__ __forceinline__ void loadMatrix4(uint32_t shared, uint32_t (&m)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(m[0]), "=r"(m[1]), "=r"(m[2]), "=r"(m[3])
               : "r"(shared)
               : "memory");
}

/** c [16, 8] += a [16, 16] · b [16, 8] in bfloat16, sums in float32 of no specified order or rounding. */
__device__ __forceinline__ void mmaBf16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/** c [16, 8] += a [16, 32] · b [32, 8] in signed bytes: exact while sums fit 32 bits. */
__device__ __forceinline__ void mmaS8(int32_t (&c)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3,
                                      uint32_t b0, uint32_t b1) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

}  // namespace coxswain
