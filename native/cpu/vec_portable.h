// The logical vector of 16 floats, in plain C++: the meaning that the other vec_*.h must have, bit for bit.
//
// A vector type V offers, all with the same results:
//   zero, broadcast(s), load(p), loadTail(p, n) (lanes ≥ n are 0), store(p), storeTail(p, n)
//   loadF16 / loadBf16 (+Tail), storeF16 / storeBf16 (+Tail): nearest even; for values that do not overflow
//   + − * / ; sqrt(v); fma(a, b, c) = a·b + c rounded once; fmaTail(a, b, c, n): lanes ≥ n keep c
//   near(a, b, c) = a·b + c in one or two roundings: the one operation that may differ, for screens only
//   clamp(v, limit): into ±limit, NaN stays; above(v, t), atLeast(v, t), atLeastAbs(v, t): bit mask of lanes
//   (NaN: none) reduce(A[16]): the canonical sum of 256 accumulators (dot.h); kLive: accumulators that fit
//   the registers
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace coxswain::cpu {

namespace portable {

static inline float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint32_t toBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float f16ToFloat(uint16_t half) {
  uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  uint32_t magnitude = half & 0x7fffu;
  if (magnitude >= 0x7c00u) return fromBits(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
  if (magnitude >= 0x400u) return fromBits(sign | ((magnitude << 13) + (112u << 23)));
  float subnormal = static_cast<float>(magnitude) * 0x1p-24f;
  return fromBits(sign | toBits(subnormal));
}

static inline uint16_t floatToF16(float value) {
  uint32_t bits = toBits(value);
  uint32_t sign = bits >> 16 & 0x8000u;
  bits &= 0x7fffffffu;
  if (bits > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u | (bits >> 13 & 0x3ffu));
  if (bits >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7c00u);
  if (bits < 0x38800000u) {
    // Adding 0.5 puts the last bit of a half subnormal (2^-24) at the last bit of the float sum.
    uint32_t shifted = toBits(fromBits(bits) + 0.5f) - 0x3f000000u;
    return static_cast<uint16_t>(sign | shifted);
  }
  uint32_t rounded = bits + 0xfffu + (bits >> 13 & 1u);
  return static_cast<uint16_t>(sign | (rounded - (112u << 23)) >> 13);
}

static inline float bf16ToFloat(uint16_t half) { return fromBits(static_cast<uint32_t>(half) << 16); }

static inline uint16_t floatToBf16(float value) {
  uint32_t bits = toBits(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace portable

struct VecPortable {
  static constexpr int kLive = 16;
  float lane[16];

  template <class F>
  static VecPortable each(F f) {
    VecPortable v;
    for (int i = 0; i < 16; ++i) v.lane[i] = f(i);
    return v;
  }

  static VecPortable zero() { return broadcast(0.0f); }
  static VecPortable broadcast(float s) {
    return each([&](int) { return s; });
  }
  static VecPortable load(const float* p) { return loadTail(p, 16); }
  static VecPortable loadTail(const float* p, int n) {
    return each([&](int i) { return i < n ? p[i] : 0.0f; });
  }
  static VecPortable loadF16(const uint16_t* p) { return loadF16Tail(p, 16); }
  static VecPortable loadF16Tail(const uint16_t* p, int n) {
    return each([&](int i) { return i < n ? portable::f16ToFloat(p[i]) : 0.0f; });
  }
  static VecPortable loadBf16(const uint16_t* p) { return loadBf16Tail(p, 16); }
  static VecPortable loadBf16Tail(const uint16_t* p, int n) {
    return each([&](int i) { return i < n ? portable::bf16ToFloat(p[i]) : 0.0f; });
  }
  void store(float* p) const { storeTail(p, 16); }
  void storeTail(float* p, int n) const {
    for (int i = 0; i < n; ++i) p[i] = lane[i];
  }
  void storeF16(uint16_t* p) const { storeF16Tail(p, 16); }
  void storeF16Tail(uint16_t* p, int n) const {
    for (int i = 0; i < n; ++i) p[i] = portable::floatToF16(lane[i]);
  }
  void storeBf16(uint16_t* p) const { storeBf16Tail(p, 16); }
  void storeBf16Tail(uint16_t* p, int n) const {
    for (int i = 0; i < n; ++i) p[i] = portable::floatToBf16(lane[i]);
  }

  friend VecPortable operator+(const VecPortable& a, const VecPortable& b) {
    return each([&](int i) { return a.lane[i] + b.lane[i]; });
  }
  friend VecPortable operator-(const VecPortable& a, const VecPortable& b) {
    return each([&](int i) { return a.lane[i] - b.lane[i]; });
  }
  friend VecPortable operator*(const VecPortable& a, const VecPortable& b) {
    return each([&](int i) { return a.lane[i] * b.lane[i]; });
  }
  friend VecPortable operator/(const VecPortable& a, const VecPortable& b) {
    return each([&](int i) { return a.lane[i] / b.lane[i]; });
  }
  static VecPortable sqrt(const VecPortable& a) {
    return each([&](int i) { return std::sqrt(a.lane[i]); });
  }
  static VecPortable fma(const VecPortable& a, const VecPortable& b, const VecPortable& c) {
    return fmaTail(a, b, c, 16);
  }
  static VecPortable near(const VecPortable& a, const VecPortable& b, const VecPortable& c) {
    return each([&](int i) { return a.lane[i] * b.lane[i] + c.lane[i]; });
  }
  static VecPortable fmaTail(const VecPortable& a, const VecPortable& b, const VecPortable& c, int n) {
    return each([&](int i) { return i < n ? std::fma(a.lane[i], b.lane[i], c.lane[i]) : c.lane[i]; });
  }
  static VecPortable clamp(const VecPortable& v, float limit) {
    return each([&](int i) {
      float value = v.lane[i];
      return value > limit ? limit : value < -limit ? -limit : value;
    });
  }
  static uint32_t above(const VecPortable& v, const VecPortable& t) {
    uint32_t mask = 0;
    for (int i = 0; i < 16; ++i) mask |= static_cast<uint32_t>(v.lane[i] > t.lane[i]) << i;
    return mask;
  }
  static uint32_t atLeast(const VecPortable& v, const VecPortable& t) {
    uint32_t mask = 0;
    for (int i = 0; i < 16; ++i) mask |= static_cast<uint32_t>(v.lane[i] >= t.lane[i]) << i;
    return mask;
  }
  static uint32_t atLeastAbs(const VecPortable& v, float t) {
    uint32_t mask = 0;
    for (int i = 0; i < 16; ++i) mask |= static_cast<uint32_t>(std::fabs(v.lane[i]) >= t) << i;
    return mask;
  }

  static float reduce(const VecPortable (&a)[16]) {
    float s[32];
    for (int l = 0; l < 32; ++l) {
      const float* p = a[l / 2].lane + 8 * (l % 2);
      s[l] = ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]));
    }
    for (int o = 16; o > 0; o /= 2) {
      for (int l = 0; l < o; ++l) s[l] = s[l] + s[l + o];
    }
    return s[0];
  }
};

}  // namespace coxswain::cpu
