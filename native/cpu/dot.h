// The canonical dot: the float32 sum that defines every score, on every instruction set and device.
//
// 256 accumulators A, all 0; for e ascending: A[e mod 256] = fma(u[e], w[e], A[e mod 256]). Then for l =
// 0..31
//   s_l = ((A[8l]+A[8l+1]) + (A[8l+2]+A[8l+3])) + ((A[8l+4]+A[8l+5]) + (A[8l+6]+A[8l+7]))
// and for o = 16, 8, 4, 2, 1: s_l = s_l + s_{l xor o}; the result is s_0.
#pragma once

#include <cstdint>

namespace coxswain::cpu {

/** Runs step.full(acc, e) and step.tail(acc, e, n) over [0, d) in the canonical order and reduces. */
template <class V, class Step>
static inline __attribute__((always_inline)) float canonicalSum(int64_t d, const Step& step) {
  V sums[16];
#pragma GCC unroll 16
  for (int part = 0; part < 16; part += V::kLive) {
    V acc[V::kLive];
#pragma GCC unroll 16
    for (int i = 0; i < V::kLive; ++i) acc[i] = V::zero();
    int64_t base = 0;
    for (; base + 256 <= d; base += 256) {
#pragma GCC unroll 16
      for (int i = 0; i < V::kLive; ++i) acc[i] = step.full(acc[i], base + 16 * (part + i));
    }
    const int64_t whole = (d - base) / 16;
    const int rest = static_cast<int>((d - base) % 16);
#pragma GCC unroll 16
    for (int i = 0; i < V::kLive; ++i) {
      if (part + i < whole) {
        acc[i] = step.full(acc[i], base + 16 * (part + i));
        continue;
      }
      if (part + i == whole && rest != 0) acc[i] = step.tail(acc[i], base + 16 * (part + i), rest);
      break;
    }
#pragma GCC unroll 16
    for (int i = 0; i < V::kLive; ++i) sums[part + i] = acc[i];
  }
  return V::reduce(sums);
}

template <class V>
struct DotStep {
  const float* u;
  const float* w;
  V full(const V& acc, int64_t e) const { return V::fma(V::load(u + e), V::load(w + e), acc); }
  V tail(const V& acc, int64_t e, int n) const {
    return V::fmaTail(V::loadTail(u + e, n), V::loadTail(w + e, n), acc, n);
  }
};

/** Σ u[e]·w[e], canonical. */
template <class V>
static inline float dot(const float* u, const float* w, int64_t d) {
  return canonicalSum<V>(d, DotStep<V>{u, w});
}

template <class V>
struct SumStep {
  const float* u;
  V full(const V& acc, int64_t e) const { return acc + V::load(u + e); }
  V tail(const V& acc, int64_t e, int n) const {
    return V::fmaTail(V::loadTail(u + e, n), V::broadcast(1.0f), acc, n);
  }
};

/** Σ u[e]: the canonical dot with a vector of ones. */
template <class V>
static inline float sum(const float* u, int64_t d) {
  return canonicalSum<V>(d, SumStep<V>{u});
}

}  // namespace coxswain::cpu
