// The 16-bit floating-point formats to float and back, rounded to nearest even.
#pragma once

#include <cstdint>
#include <cstring>

namespace softcuda {

inline float bf16ToFloat(uint16_t h) {
  uint32_t bits = static_cast<uint32_t>(h) << 16;
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}

inline uint16_t floatToBf16(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fff;
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float f16ToFloat(uint16_t h) {
  uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16, rest = h & 0x7fff;
  float f;
  uint32_t bits = rest << 13;
  if (rest >= 0x7c00) {
    bits = rest == 0x7c00 ? 0x7f800000 | sign : 0x7fffffff;
    std::memcpy(&f, &bits, 4);
    return f;
  }
  std::memcpy(&f, &bits, 4);
  f *= 0x1p112f;
  std::memcpy(&bits, &f, 4);
  bits |= sign;
  std::memcpy(&f, &bits, 4);
  return f;
}

inline uint16_t floatToF16(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0x7fff;
  if (magnitude >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);  // rounds to 2^16 or more
  if (magnitude < 0x38800000) {
    // Subnormal: adding 0.5 aligns the units of 2^-24 with the last place of the sum, which rounds by itself.
    float m;
    std::memcpy(&m, &magnitude, 4);
    m += 0.5f;
    std::memcpy(&magnitude, &m, 4);
    return static_cast<uint16_t>(sign | (magnitude - 0x3f000000));
  }
  uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000;
  return static_cast<uint16_t>(sign | rounded >> 13);
}

}  // namespace softcuda
