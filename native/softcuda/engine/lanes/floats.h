// What f32 and f64 arithmetic has in common: canonical NaN, flushing, clamping, minimum and maximum.
#pragma once

#include "lanes/lanes.h"

namespace softcuda::SOFTCUDA_LANES {

inline float bitsToFloat(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}
inline uint32_t floatToBits(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  return bits;
}

// NVIDIA's f32 units give one NaN whatever goes in.
inline float canonical(float f) { return f == f ? f : bitsToFloat(0x7fffffff); }
inline double canonical(double f) { return f; }

inline float flush(float f) { return std::fabs(f) < 0x1p-126f ? std::copysign(0.0f, f) : f; }
inline double flush(double f) { return f; }

// [0, 1], NaN becomes +0.
template <class T>
inline T saturate(T f) {
  return f >= T{1} ? T{1} : f > T{0} ? f : T{0};
}

// minNum and maxNum with -0 below +0.
template <class T>
inline T minimum(T a, T b) {
  if (a != a) return canonical(b);
  if (b != b) return a;
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
template <class T>
inline T maximum(T a, T b) {
  if (a != a) return canonical(b);
  if (b != b) return a;
  if (a == b) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

struct FAdd {
  template <class T>
  static T apply(T a, T b) {
    return a + b;
  }
};
struct FSub {
  template <class T>
  static T apply(T a, T b) {
    return a - b;
  }
};
struct FMul {
  template <class T>
  static T apply(T a, T b) {
    return a * b;
  }
};
struct FDiv {
  template <class T>
  static T apply(T a, T b) {
    return a / b;
  }
};
struct Fma {
  static float apply(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
  static double apply(double a, double b, double c) { return __builtin_fma(a, b, c); }
};
struct Sqrt {
  static float apply(float a) { return __builtin_sqrtf(a); }
  static double apply(double a) { return __builtin_sqrt(a); }
};
struct Rcp {
  template <class T>
  static T apply(T a) {
    return T{1} / a;
  }
};

}  // namespace softcuda::SOFTCUDA_LANES
