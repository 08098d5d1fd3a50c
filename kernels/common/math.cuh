// exp and log in double by fixed IEEE operations: the same bits as native/cpu/explain_math.h. Compiled
// without contraction (--fmad=false), so that each product and sum rounds by itself.
#pragma once

#include <cstdint>

namespace coxswain {

constexpr double kLn2High = 6.93147180369123816490e-01;  // 32 bits: its product with an exponent is exact
constexpr double kLn2Low = 1.90821492927058770002e-10;

/** e^x within an ulp or two for x up to 1 or so; 0 below −708, −∞ included. */
__device__ __forceinline__ double expOf(double x) {
  constexpr double kInverseFactorial[14] = {1.0,
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
  constexpr double kShifter = 0x1.8p52;  // adding it rounds to whole numbers and leaves them in the low bits
  const double shifted = x * 1.4426950408889634 + kShifter;
  const double n = shifted - kShifter;
  const double r = (x - n * kLn2High) - n * kLn2Low;
  double p = kInverseFactorial[13];
#pragma unroll
  for (int i = 12; i >= 0; --i) p = p * r + kInverseFactorial[i];
  const uint64_t power = (static_cast<uint64_t>(__double_as_longlong(shifted)) << 52) + 0x3ff0000000000000u;
  return x < -708.0 ? 0.0 : p * __longlong_as_double(static_cast<int64_t>(power));
}

/** x / y. A division costs half an exp, and most temperatures are 1. */
__device__ __forceinline__ double over(double x, double y) { return y == 1.0 ? x : x / y; }

/** log x for finite x ≥ 1. */
__device__ __forceinline__ double logOf(double x) {
  int64_t bits = __double_as_longlong(x);
  int64_t exponent = (bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffff) | 0x3ff0000000000000;
  double m = __longlong_as_double(bits);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double f = (m - 1.0) / (m + 1.0);  // log m = 2·(f + f³/3 + f⁵/5 + …), |f| < 0.172
  const double square = f * f;
  double series = 1.0 / 25;
#pragma unroll
  for (int k = 23; k >= 1; k -= 2) series = series * square + 1.0 / k;
  const double n = static_cast<double>(exponent);
  return n * kLn2High + (n * kLn2Low + 2.0 * f * series);
}

}  // namespace coxswain
