// Rows of float32, float16 and bfloat16 in memory, as float32 in registers.
#pragma once

#include <cstdint>

#include "common/order.cuh"
#include "common/ptx.cuh"

namespace coxswain {

/** Numbers as in native/cpu/dtype.h. */
enum class Dtype : int64_t { kF32 = 0, kF16 = 1, kBf16 = 2 };

/** 16-bit elements; the widening is exact. */
struct F16 {
  uint16_t bits;
};
struct Bf16 {
  uint16_t bits;
};

__device__ __forceinline__ float widen(float v) { return v; }
__device__ __forceinline__ float widen(F16 v) { return f16ToFloat(v.bits); }
__device__ __forceinline__ float widen(Bf16 v) { return __uint_as_float(uint32_t{v.bits} << 16); }

/** Nearest even, infinite where it does not fit. */
__device__ __forceinline__ void narrow(float v, float* out) { *out = v; }
__device__ __forceinline__ void narrow(float v, F16* out) { out->bits = floatToF16(v); }
__device__ __forceinline__ void narrow(float v, Bf16* out) { out->bits = floatToBf16(v); }

/** Largest finite value of a type, and the smallest magnitude that rounds to infinity. */
template <class T>
struct Limits;
template <>
struct Limits<float> {
  static constexpr float kLargest = 0x1.fffffep127f;
  static __device__ __forceinline__ float overflowsFrom() { return __int_as_float(0x7f800000); }
};
template <>
struct Limits<F16> {
  static constexpr float kLargest = 65504.0f;
  static __device__ __forceinline__ float overflowsFrom() { return 65520.0f; }
};
template <>
struct Limits<Bf16> {
  static constexpr float kLargest = 0x1.fep127f;
  static __device__ __forceinline__ float overflowsFrom() { return 0x1.ffp127f; }
};

/**
 * Stores v rounded to nearest even; what would become infinite is clamped to the largest finite value, NaN
 * stays NaN. True where it was clamped.
 */
template <class T>
__device__ __forceinline__ bool storeClamped(float v, T* out) {
  const bool clamp = fabsf(v) >= Limits<T>::overflowsFrom();
  narrow(clamp ? copysignf(Limits<T>::kLargest, v) : v, out);
  return clamp;
}

/** Whether rows of `width` elements of `bytes` each, from `base` on, all begin at a multiple of 16 bytes. */
COX_HOST_DEVICE bool rowsAligned16(const void* base, int64_t width, int64_t bytes) {
  return reinterpret_cast<uintptr_t>(base) % 16 == 0 && width * bytes % 16 == 0;
}

/** Eight consecutive elements at p, 16-byte aligned; memory that nothing writes during the kernel. */
__device__ __forceinline__ void load8(const float* p, float (&v)[8]) {
  const float4 a = loadStream4(p);
  const float4 b = loadStream4(p + 4);
  v[0] = a.x, v[1] = a.y, v[2] = a.z, v[3] = a.w;
  v[4] = b.x, v[5] = b.y, v[6] = b.z, v[7] = b.w;
}

template <class T>
__device__ __forceinline__ void widenPairs(uint4 raw, float (&v)[8]) {
  const uint32_t words[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    v[2 * i] = widen(T{static_cast<uint16_t>(words[i])});
    v[2 * i + 1] = widen(T{static_cast<uint16_t>(words[i] >> 16)});
  }
}

__device__ __forceinline__ void load8(const F16* p, float (&v)[8]) { widenPairs<F16>(loadStream16(p), v); }
__device__ __forceinline__ void load8(const Bf16* p, float (&v)[8]) { widenPairs<Bf16>(loadStream16(p), v); }

/** Four consecutive elements at p, aligned to their 8 or 16 bytes. */
__device__ __forceinline__ float4 load4(const float* p) { return loadStream4(p); }

template <class T>
__device__ __forceinline__ float4 load4(const T* p) {
  const uint2 raw = __ldg(reinterpret_cast<const uint2*>(p));
  return {widen(T{static_cast<uint16_t>(raw.x)}), widen(T{static_cast<uint16_t>(raw.x >> 16)}),
          widen(T{static_cast<uint16_t>(raw.y)}), widen(T{static_cast<uint16_t>(raw.y >> 16)})};
}

/** One element of a row whose type is known only at run time; uniform over the CTA, so the branch is too. */
__device__ __forceinline__ float loadElement(const void* row, Dtype dtype, int64_t e) {
  switch (dtype) {
    case Dtype::kF16:
      return widen(static_cast<const F16*>(row)[e]);
    case Dtype::kBf16:
      return widen(static_cast<const Bf16*>(row)[e]);
    default:
      return static_cast<const float*>(row)[e];
  }
}

}  // namespace coxswain
