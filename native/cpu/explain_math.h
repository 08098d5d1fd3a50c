// exp and log by fixed IEEE operations, without libm, so that every instruction set gives the same bits.
#pragma once

#include <cstdint>
#include <cstring>

// Vectors wider than the instruction set's registers are passed in another way from file to file: everything
// here is internal to its file.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace coxswain::cpu {
namespace {

/** Eight doubles; the compiler splits them where registers are narrower. */
typedef double Doubles __attribute__((vector_size(64)));
typedef int64_t Longs __attribute__((vector_size(64)));

inline Doubles splat(double value) { return Doubles{value, value, value, value, value, value, value, value}; }

constexpr double kLn2High = 6.93147180369123816490e-01;  // 32 bits: its product with an exponent is exact
constexpr double kLn2Low = 1.90821492927058770002e-10;

/** e^x within an ulp or two for x up to 1 or so; 0 below −708, −∞ included. */
inline Doubles expOf(const Doubles& x) {
  static constexpr double kInverseFactorial[14] = {1.0,
                                                   1.0,
                                                   1.0 / 2,
                                                   1.0 / 6,
                                                   1.0 / 24,
                                                   1.0 / 120,
                                                   1.0 / 720,
                                                   1.0 / 5040,
                                                   1.0 / 40320,
                                                   1.0 / 362880,
                                                   1.0 / 3628800,
                                                   1.0 / 39916800,
                                                   1.0 / 479001600,
                                                   1.0 / 6227020800.0};
  const Doubles shifter =
      splat(0x1.8p52);  // adding it rounds to whole numbers and leaves them in the low bits
  const Doubles shifted = x * 1.4426950408889634 + shifter;
  const Doubles n = shifted - shifter;
  const Doubles r = (x - n * kLn2High) - n * kLn2Low;
  Doubles p = splat(kInverseFactorial[13]);
  for (int i = 12; i >= 0; --i) p = p * r + kInverseFactorial[i];
  const Longs power = ((Longs)shifted << 52) + 0x3ff0000000000000;
  return x < splat(-708.0) ? splat(0.0) : p * (Doubles)power;
}

inline double expOf(double x) { return expOf(splat(x))[0]; }

/** log x for finite x ≥ 1. */
inline double logOf(double x) {
  int64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  int64_t exponent = (bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffff) | 0x3ff0000000000000;
  double m;
  std::memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double f = (m - 1.0) / (m + 1.0);  // log m = 2·(f + f³/3 + f⁵/5 + …), |f| < 0.172
  const double square = f * f;
  double series = 1.0 / 25;
  for (int k = 23; k >= 1; k -= 2) series = series * square + 1.0 / k;
  const double n = static_cast<double>(exponent);
  return n * kLn2High + (n * kLn2Low + 2.0 * f * series);
}

}  // namespace
}  // namespace coxswain::cpu
