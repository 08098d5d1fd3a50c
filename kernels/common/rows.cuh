// Hidden-state rows whose type is known only at run time, four elements at a time: in and out of float32 as
// native/cpu/rows.h does it. Rows may begin at any element, and end at any.
#pragma once

#include <cstdint>

#include "common/dtype.cuh"
#include "common/order.cuh"
#include "common/ptx.cuh"

namespace coxswain {

__device__ __forceinline__ int64_t dtypeBytes(Dtype dtype) { return dtype == Dtype::kF32 ? 4 : 2; }

/** Into ±limit; NaN stays. */
__device__ __forceinline__ float clampTo(float value, float limit) {
  return value > limit ? limit : value < -limit ? -limit : value;
}

/** Into the range of float32, counting what was beyond it. */
__device__ __forceinline__ float clampFloat(float value, uint32_t& count) {
  count += fabsf(value) > kLargestFinite ? 1 : 0;
  return clampTo(value, kLargestFinite);
}

__device__ __forceinline__ bool isFinite(float4 v) {
  return fabsf(v.x) <= kLargestFinite && fabsf(v.y) <= kLargestFinite && fabsf(v.z) <= kLargestFinite &&
         fabsf(v.w) <= kLargestFinite;
}

/** Whether rows that lie `stride` bytes apart all begin on 16 bytes. */
__device__ __forceinline__ bool stridesAligned16(const void* rows, int64_t stride) {
  return ((reinterpret_cast<uint64_t>(rows) | static_cast<uint64_t>(stride)) & 15) == 0;
}

/** Four elements at p, aligned to their 8 or 16 bytes; memory that the kernel may also write. */
__device__ __forceinline__ float4 loadAligned(const float* p) { return *reinterpret_cast<const float4*>(p); }

template <class T>
__device__ __forceinline__ float4 loadAligned(const T* p) {
  const uint2 raw = *reinterpret_cast<const uint2*>(p);
  return {widen(T{static_cast<uint16_t>(raw.x)}), widen(T{static_cast<uint16_t>(raw.x >> 16)}),
          widen(T{static_cast<uint16_t>(raw.y)}), widen(T{static_cast<uint16_t>(raw.y >> 16)})};
}

/** Four elements to p, aligned to their 8 or 16 bytes. */
__device__ __forceinline__ void storeAligned(const float (&v)[4], float* p) {
  *reinterpret_cast<float4*>(p) = {v[0], v[1], v[2], v[3]};
}

template <class T>
__device__ __forceinline__ void storeAligned(const T (&v)[4], T* p) {
  *reinterpret_cast<uint2*>(p) = {v[0].bits | uint32_t{v[1].bits} << 16,
                                  v[2].bits | uint32_t{v[3].bits} << 16};
}

/** Rounds four elements; returns how many were clamped. */
template <class T>
__device__ __forceinline__ uint32_t narrowQuad(float4 v, T (&out)[4]) {
  return storeClamped(v.x, out) + storeClamped(v.y, out + 1) + storeClamped(v.z, out + 2) +
         storeClamped(v.w, out + 3);
}

/** Elements [e, e+4) of a row of d; 0 from d on. `aligned`: the row begins on 16 bytes and e is a multiple
 * of 4. */
template <class T>
__device__ __forceinline__ float4 loadFour(const T* row, int64_t e, int64_t d, bool aligned) {
  if (aligned && e + 4 <= d) return loadAligned(row + e);
  float4 v{0.0f, 0.0f, 0.0f, 0.0f};
  if (e < d) v.x = widen(row[e]);
  if (e + 1 < d) v.y = widen(row[e + 1]);
  if (e + 2 < d) v.z = widen(row[e + 2]);
  if (e + 3 < d) v.w = widen(row[e + 3]);
  return v;
}

__device__ __forceinline__ float4 loadFour(const void* row, Dtype dtype, int64_t e, int64_t d, bool aligned) {
  if (dtype == Dtype::kF32) return loadFour(static_cast<const float*>(row), e, d, aligned);
  if (dtype == Dtype::kF16) return loadFour(static_cast<const F16*>(row), e, d, aligned);
  return loadFour(static_cast<const Bf16*>(row), e, d, aligned);
}

/** Rounds to elements [e, e+4), aligned to their 8 or 16 bytes; returns how many were clamped. */
__device__ __forceinline__ uint32_t storeQuad(float4 v, float* row, int64_t e) {
  float out[4];
  const uint32_t count = narrowQuad(v, out);
  storeVector4(row + e, {out[0], out[1], out[2], out[3]});
  return count;
}

template <class T>
__device__ __forceinline__ uint32_t storeQuad(float4 v, T* row, int64_t e) {
  T out[4];
  const uint32_t count = narrowQuad(v, out);
  storeAligned(out, row + e);
  return count;
}

__device__ __forceinline__ uint32_t storeQuad(float4 v, void* row, Dtype dtype, int64_t e) {
  if (dtype == Dtype::kF32) return storeQuad(v, static_cast<float*>(row), e);
  if (dtype == Dtype::kF16) return storeQuad(v, static_cast<F16*>(row), e);
  return storeQuad(v, static_cast<Bf16*>(row), e);
}

/** Rounds to elements [e, e+4) of a row, as far as they are below d; returns how many were clamped. */
template <class T>
__device__ __forceinline__ uint32_t storeFour(float4 v, T* row, int64_t e, int64_t d, bool aligned) {
  if (aligned && e + 4 <= d) {
    T out[4];
    const uint32_t count = narrowQuad(v, out);
    storeAligned(out, row + e);
    return count;
  }
  uint32_t count = 0;
  if (e < d) count += storeClamped(v.x, row + e);
  if (e + 1 < d) count += storeClamped(v.y, row + e + 1);
  if (e + 2 < d) count += storeClamped(v.z, row + e + 2);
  if (e + 3 < d) count += storeClamped(v.w, row + e + 3);
  return count;
}

__device__ __forceinline__ uint32_t storeFour(float4 v, void* row, Dtype dtype, int64_t e, int64_t d,
                                              bool aligned) {
  if (dtype == Dtype::kF32) return storeFour(v, static_cast<float*>(row), e, d, aligned);
  if (dtype == Dtype::kF16) return storeFour(v, static_cast<F16*>(row), e, d, aligned);
  return storeFour(v, static_cast<Bf16*>(row), e, d, aligned);
}

/** Rounds to element e of a row; true where it was clamped. */
__device__ __forceinline__ bool storeElement(float v, void* row, Dtype dtype, int64_t e) {
  if (dtype == Dtype::kF32) return storeClamped(v, static_cast<float*>(row) + e);
  if (dtype == Dtype::kF16) return storeClamped(v, static_cast<F16*>(row) + e);
  return storeClamped(v, static_cast<Bf16*>(row) + e);
}

}  // namespace coxswain
