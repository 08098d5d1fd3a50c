// Rounding of exact values to narrow floating-point formats.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "program/program.h"

namespace softcuda::SOFTCUDA_LANES {

// A binary format: explicit mantissa bits, exponent bits; `infinite` tells whether it has infinities.
struct Format {
  int mantissa, exponent;
  bool infinite;
  constexpr int bias() const { return (1 << (exponent - 1)) - 1; }
};
constexpr Format kF16{10, 5, true}, kBf16{7, 8, true}, kTf32{10, 8, true}, kF32{23, 8, true},
    kE4m3{3, 4, false}, kE5m2{2, 5, true};

// The largest finite magnitude as its bits.
inline uint32_t largest(Format f) {
  if (!f.infinite) return (1u << (f.mantissa + f.exponent)) - 2;  // e4m3: S.1111.111 is NaN
  return (((1u << f.exponent) - 1) << f.mantissa) - 1;
}
inline uint32_t infinity(Format f) { return ((1u << f.exponent) - 1) << f.mantissa; }

// Rounds `value` (exact) to `f`; the result's bits without regard for a wider container (tf32: 19 bits).
// Overflow gives infinity, or the largest finite value where the rounding or `finite` says so.
inline uint32_t roundTo(double value, Format f, Round round, bool finite) {
  uint32_t sign = std::signbit(value) ? 1u << (f.mantissa + f.exponent) : 0;
  double magnitude = std::fabs(value);
  if (std::isinf(magnitude)) return sign | (finite || !f.infinite ? largest(f) : infinity(f));
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  int lowest = 1 - f.bias();
  int e = magnitude == 0 || exponent - 1 < lowest ? lowest : exponent - 1;
  double scaled = std::ldexp(magnitude, f.mantissa - e);  // an integer and a fraction, exact
  double whole = std::floor(scaled), fraction = scaled - whole;
  uint64_t units = static_cast<uint64_t>(whole);
  bool up = false;
  switch (round) {
    case Round::nearest:
      up = fraction > 0.5 || (fraction == 0.5 && (units & 1) != 0);
      break;
    case Round::away:
      up = fraction >= 0.5;
      break;
    case Round::zero:
      break;
    case Round::down:
      up = sign != 0 && fraction > 0;
      break;
    case Round::up:
      up = sign == 0 && fraction > 0;
      break;
  }
  units += up ? 1 : 0;
  // Units carry into the exponent by themselves.
  uint64_t bits = units < (1ull << f.mantissa) && e == lowest
                      ? units
                      : (static_cast<uint64_t>(e + f.bias() - 1) << f.mantissa) + units;
  if (bits > largest(f)) {
    bool toFinite = finite || !f.infinite || round == Round::zero || (round == Round::down && sign == 0) ||
                    (round == Round::up && sign != 0);
    bits = toFinite ? largest(f) : infinity(f);
  }
  return sign | static_cast<uint32_t>(bits);
}

// The value of a format's bits.
inline double valueOf(uint32_t bits, Format f) {
  uint32_t mantissa = bits & ((1u << f.mantissa) - 1),
           exponent = bits >> f.mantissa & ((1u << f.exponent) - 1);
  bool negative = (bits >> (f.mantissa + f.exponent) & 1) != 0;
  double magnitude;
  uint32_t top = (1u << f.exponent) - 1;
  if (f.infinite && exponent == top)
    magnitude = mantissa == 0 ? INFINITY : NAN;
  else if (!f.infinite && exponent == top && mantissa == (1u << f.mantissa) - 1)
    magnitude = NAN;
  else if (exponent == 0)
    magnitude = std::ldexp(static_cast<double>(mantissa), 1 - f.bias() - f.mantissa);
  else
    magnitude = std::ldexp(static_cast<double>(mantissa + (1u << f.mantissa)),
                           static_cast<int>(exponent) - f.bias() - f.mantissa);
  return negative ? -magnitude : magnitude;
}

}  // namespace softcuda::SOFTCUDA_LANES
