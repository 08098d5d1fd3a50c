// Hidden-state rows in and out of float32.
#pragma once

#include <cstdint>

#include "cpu/dtype.h"

namespace coxswain::cpu {

/** 16 elements from element e on of a row of `dtype`; n < 16 only at the row's end. */
template <class V>
static inline V loadElements(const void* row, Dtype dtype, int64_t e, int n) {
  if (dtype == Dtype::kF32) {
    const float* p = static_cast<const float*>(row) + e;
    return n == 16 ? V::load(p) : V::loadTail(p, n);
  }
  const uint16_t* p = static_cast<const uint16_t*>(row) + e;
  if (dtype == Dtype::kF16) return n == 16 ? V::loadF16(p) : V::loadF16Tail(p, n);
  return n == 16 ? V::loadBf16(p) : V::loadBf16Tail(p, n);
}

static inline int lanesFrom(int64_t e, int64_t d) { return d - e < 16 ? static_cast<int>(d - e) : 16; }

/** Widens a row into out; false where an element is NaN or infinite. */
template <class V>
static inline bool loadRow(const void* row, Dtype dtype, int64_t d, float* out) {
  const V limit = V::broadcast(__builtin_inff());
  uint32_t finite = 0xffffu;
  for (int64_t e = 0; e < d; e += 16) {
    int n = lanesFrom(e, d);
    V v = loadElements<V>(row, dtype, e, n);
    finite &= V::above(limit, v) & V::above(v, V::broadcast(-__builtin_inff()));
    n == 16 ? v.store(out + e) : v.storeTail(out + e, n);
  }
  return finite == 0xffffu;
}

/**
 * Rounds 16 elements to `dtype` (nearest even) and stores them from element e on. Returns how many were
 * clamped to the largest finite value because they would have become infinite; NaN is stored as NaN.
 */
template <class V>
static inline int storeElements(const V& v, void* row, Dtype dtype, int64_t e, int n) {
  uint32_t lanes = (1u << n) - 1u;
  int clamped = __builtin_popcount(V::atLeastAbs(v, overflowsFrom(dtype)) & lanes);
  V finite = V::clamp(v, largestFinite(dtype));
  if (dtype == Dtype::kF32) {
    float* p = static_cast<float*>(row) + e;
    n == 16 ? finite.store(p) : finite.storeTail(p, n);
    return clamped;
  }
  uint16_t* p = static_cast<uint16_t*>(row) + e;
  if (dtype == Dtype::kF16) {
    n == 16 ? finite.storeF16(p) : finite.storeF16Tail(p, n);
  } else {
    n == 16 ? finite.storeBf16(p) : finite.storeBf16Tail(p, n);
  }
  return clamped;
}

}  // namespace coxswain::cpu
