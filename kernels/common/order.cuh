// The one definition of "larger value, then lower index" on the device: 64-bit keys that sort descending.
// Host and device; bit for bit native/cpu/order.h (native/test/device_order_test.cpp).
#pragma once

#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#define COX_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define COX_HOST_DEVICE inline
#endif

namespace coxswain {

/** Below the key of every score; NaN has it. */
constexpr uint64_t kNoKey = 0;

constexpr float kLargestFinite = 0x1.fffffep127f;

COX_HOST_DEVICE uint32_t floatBits(float value) {
#ifdef __CUDA_ARCH__
  return __float_as_uint(value);
#else
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
#endif
}

COX_HOST_DEVICE float bitsFloat(uint32_t bits) {
#ifdef __CUDA_ARCH__
  return __uint_as_float(bits);
#else
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
#endif
}

/** Orders floats as unsigned integers; −0 counts as +0. Not for NaN. */
COX_HOST_DEVICE uint32_t orderedBits(float value) {
  uint32_t bits = floatBits(value);
  if (bits == 0x80000000u) bits = 0;
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

COX_HOST_DEVICE float fromOrderedBits(uint32_t ordered) {
  return bitsFloat((ordered & 0x80000000u) != 0 ? ordered & 0x7fffffffu : ~ordered);
}

/** A score that overflowed to +Inf counts as the largest finite float, so that values stay finite. */
COX_HOST_DEVICE uint64_t orderKey(float score, uint32_t index) {
  if (score != score) return kNoKey;
  if (score > kLargestFinite) score = kLargestFinite;
  return static_cast<uint64_t>(orderedBits(score)) << 32 | static_cast<uint32_t>(~index);
}

COX_HOST_DEVICE float keyScore(uint64_t key) { return fromOrderedBits(static_cast<uint32_t>(key >> 32)); }

COX_HOST_DEVICE uint32_t keyIndex(uint64_t key) { return ~static_cast<uint32_t>(key); }

}  // namespace coxswain
