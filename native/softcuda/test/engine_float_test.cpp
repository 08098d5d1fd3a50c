// Floating-point instructions against plain C++. NaN results of f32 are the hardware's 0x7fffffff.
#include <cfenv>
#include <cmath>

#include "engine_instruction.h"

namespace softcuda::test {
namespace {

float nan32() {
  uint32_t bits = 0x7fffffff;
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}
float fixed(float f) { return f != f ? nan32() : f; }
float flush(float f) { return std::fabs(f) < 0x1p-126f ? std::copysign(0.0f, f) : f; }
float clamp01(float f) { return f >= 1 ? 1.0f : f > 0 ? f : 0.0f; }

template <class F>
float inMode(int mode, F compute) {
  std::fesetround(mode);
  volatile float result = compute();
  std::fesetround(FE_TONEAREST);
  return result;
}

template <class F>
void check32(const std::string& code, F expected) {
  compare<float, float, float, float>(code, "b32", "b32", "b32", "b32", expected);
}

TEST(FloatInstructions, RoundToNearest) {
  check32("add.f32 %d, %a, %b;", [](float a, float b, float) { return fixed(a + b); });
  check32("mul.rn.f32 %d, %a, %b;", [](float a, float b, float) { return fixed(a * b); });
  check32("fma.rn.f32 %d, %a, %b, %c;", [](float a, float b, float c) { return fixed(std::fma(a, b, c)); });
  check32("div.rn.f32 %d, %a, %b;", [](float a, float b, float) { return fixed(a / b); });
  check32("sqrt.rn.f32 %d, %a;", [](float a, float, float) { return fixed(std::sqrt(a)); });
  check32("rcp.rn.f32 %d, %a;", [](float a, float, float) { return fixed(1 / a); });
}

TEST(FloatInstructions, RoundWhereTheModifierSays) {
  const std::pair<const char*, int> modes[] = {{"rz", FE_TOWARDZERO}, {"rm", FE_DOWNWARD}, {"rp", FE_UPWARD}};
  for (const auto& [name, mode] : modes) {
    std::string suffix = std::string(".") + name + ".f32";
    check32("add" + suffix + " %d, %a, %b;", [mode = mode](volatile float a, volatile float b, float) {
      return fixed(inMode(mode, [&] { return a + b; }));
    });
    check32("mul" + suffix + " %d, %a, %b;", [mode = mode](volatile float a, volatile float b, float) {
      return fixed(inMode(mode, [&] { return a * b; }));
    });
    check32("fma" + suffix + " %d, %a, %b, %c;",
            [mode = mode](volatile float a, volatile float b, volatile float c) {
              return fixed(inMode(mode, [&] { return std::fma(a, b, c); }));
            });
    check32("div" + suffix + " %d, %a, %b;", [mode = mode](volatile float a, volatile float b, float) {
      return fixed(inMode(mode, [&] { return a / b; }));
    });
  }
}

TEST(FloatInstructions, FlushAndSaturateWhereAsked) {
  check32("add.ftz.f32 %d, %a, %b;",
          [](float a, float b, float) { return flush(fixed(flush(a) + flush(b))); });
  check32("mul.sat.f32 %d, %a, %b;", [](float a, float b, float) { return clamp01(a * b); });
  check32("fma.rn.ftz.sat.f32 %d, %a, %b, %c;",
          [](float a, float b, float c) { return clamp01(flush(std::fma(flush(a), flush(b), flush(c)))); });
}

TEST(FloatInstructions, MinimumAndMaximumIgnoreOneNan) {
  check32("min.f32 %d, %a, %b;", [](float a, float b, float) {
    if (a != a) return fixed(b);
    if (b != b) return a;
    return a == b ? (std::signbit(a) ? a : b) : std::min(a, b);
  });
  check32("max.NaN.f32 %d, %a, %b;", [](float a, float b, float) {
    if (a != a || b != b) return nan32();
    return a == b ? (std::signbit(a) ? b : a) : std::max(a, b);
  });
  check32("max.xorsign.abs.f32 %d, %a, %b;", [](float a, float b, float) {
    float x = std::fabs(a), y = std::fabs(b), m = x != x ? y : y != y ? x : std::max(x, y);
    return m != m ? nan32() : std::copysign(m, std::signbit(a) != std::signbit(b) ? -1.0f : 1.0f);
  });
}

TEST(FloatInstructions, ComparisonsKnowUnordered) {
  auto check = [](const std::string& op, auto expected) {
    compare<uint32_t, float, float, float>("setp." + op + ".f32 %p1, %a, %b; selp.u32 %d, 1, 0, %p1;", "b32",
                                           "b32", "b32", "b32",
                                           [=](float a, float b, float) { return expected(a, b) ? 1u : 0u; });
  };
  auto unordered = [](float a, float b) { return a != a || b != b; };
  check("lt", [](float a, float b) { return a < b; });
  check("ltu", [=](float a, float b) { return unordered(a, b) || a < b; });
  check("ne", [=](float a, float b) { return !unordered(a, b) && a != b; });
  check("neu", [](float a, float b) { return a != b; });
  check("equ", [=](float a, float b) { return unordered(a, b) || a == b; });
  check("num", [=](float a, float b) { return !unordered(a, b); });
  check("nan", unordered);
}

TEST(FloatInstructions, ApproximationsStayWithinTheirDocumentedError) {
  auto near = [](const std::string& op, double least, double most, double ulps, double absolute,
                 double (*exact)(double)) {
    std::vector<float> a(1024);
    std::mt19937_64 random(7);
    for (float& each : a)
      each = static_cast<float>(std::uniform_real_distribution<double>(least, most)(random));
    std::vector<float> d =
        execute<float>(instructionText("b32", "b32", "b32", "b32", op + " %d, %a;"), a, a, a);
    for (size_t i = 0; i < a.size(); ++i) {
      double want = exact(a[i]), bound = std::max(absolute, ulps * std::fabs(want) * 0x1p-23);
      ASSERT_LE(std::fabs(d[i] - want), bound) << op << " of " << a[i];
    }
  };
  near("ex2.approx.f32", -120, 120, 2, 0, [](double x) { return std::exp2(x); });
  near("lg2.approx.f32", 1e-3, 1e6, 2, 0x1p-22, [](double x) { return std::log2(x); });
  near("sin.approx.f32", -3, 3, 0, 0x1p-20, [](double x) { return std::sin(x); });
  near("cos.approx.ftz.f32", -3, 3, 0, 0x1p-20, [](double x) { return std::cos(x); });
  near("rcp.approx.f32", 1e-3, 1e3, 1, 0, [](double x) { return 1 / x; });
  near("rsqrt.approx.f32", 1e-3, 1e3, 2, 0, [](double x) { return 1 / std::sqrt(x); });
  near("tanh.approx.f32", -4, 4, 0, 0x1p-10, [](double x) { return std::tanh(x); });
}

// Nearest-even rounding of a double to a format of `mantissa` bits, by trying both neighbours.
uint16_t narrowed(double value, int mantissa, int exponentBits) {
  int bias = (1 << (exponentBits - 1)) - 1;
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  double x = std::fabs(value);
  if (x != x) return 0x7fff;
  double unit = std::ldexp(
      1.0, std::max(static_cast<int>(std::floor(x > 0 ? std::log2(x) : -2000)), 1 - bias) - mantissa);
  double rounded = std::nearbyint(x / unit) * unit;
  if (rounded >= std::ldexp(1.0, bias + 1))
    return static_cast<uint16_t>(sign | ((1 << exponentBits) - 1) << mantissa);
  if (rounded < std::ldexp(1.0, 1 - bias))
    return static_cast<uint16_t>(sign |
                                 static_cast<uint16_t>(rounded / std::ldexp(1.0, 1 - bias - mantissa)));
  int e = std::ilogb(rounded);
  int fraction = static_cast<int>((std::ldexp(rounded, -e) - 1) * (1 << mantissa));
  return static_cast<uint16_t>(sign | (((e + bias) << mantissa) + fraction));
}

TEST(FloatInstructions, ConvertToNarrowFormatsRoundsToEven) {
  compare<uint16_t, float, float, float>("cvt.rn.f16.f32 %d, %a;", "b16", "b32", "b32", "b32",
                                         [](float a, float, float) { return narrowed(a, 10, 5); });
  compare<uint16_t, float, float, float>("cvt.rn.bf16.f32 %d, %a;", "b16", "b32", "b32", "b32",
                                         [](float a, float, float) { return narrowed(a, 7, 8); });
  compare<uint32_t, float, float, float>(
      "cvt.rn.bf16x2.f32 %d, %a, %b;", "b32", "b32", "b32", "b32", [](float a, float b, float) {
        return static_cast<uint32_t>(narrowed(a, 7, 8)) << 16 | narrowed(b, 7, 8);
      });
}

TEST(FloatInstructions, ConvertToIntegersClamps) {
  compare<int32_t, float, float, float>(
      "cvt.rzi.s32.f32 %d, %a;", "b32", "b32", "b32", "b32", [](float a, float, float) {
        if (a != a) return 0;
        return static_cast<int32_t>(
            std::min(std::max(std::trunc(static_cast<double>(a)), -0x1p31), 0x1p31 - 1));
      });
  compare<uint32_t, float, float, float>(
      "cvt.rpi.u32.f32 %d, %a;", "b32", "b32", "b32", "b32", [](float a, float, float) {
        return a != a ? 0u
                      : static_cast<uint32_t>(
                            std::min(std::max(std::ceil(static_cast<double>(a)), 0.0), 0x1p32 - 1));
      });
  compare<int16_t, int32_t, int32_t, int32_t>(
      "cvt.sat.s16.s32 %d, %a;", "b16", "b32", "b32", "b32",
      [](int32_t a, int32_t, int32_t) { return static_cast<int16_t>(std::min(std::max(a, -32768), 32767)); });
  compare<int32_t, int32_t, int32_t, int32_t>(
      "cvt.s32.s8 %d, %a;", "b32", "b32", "b32", "b32",
      [](int32_t a, int32_t, int32_t) { return static_cast<int32_t>(static_cast<int8_t>(a)); });
}

TEST(FloatInstructions, ConvertIntegersRounds) {
  compare<float, uint64_t, uint64_t, uint64_t>(
      "cvt.rn.f32.u64 %d, %a;", "b32", "b64", "b64", "b64",
      [](uint64_t a, uint64_t, uint64_t) { return static_cast<float>(a); });
  compare<float, int32_t, int32_t, int32_t>(
      "cvt.rm.f32.s32 %d, %a;", "b32", "b32", "b32", "b32", [](volatile int32_t a, int32_t, int32_t) {
        return inMode(FE_DOWNWARD, [&] { return static_cast<float>(a); });
      });
  compare<float, float, float, float>("cvt.rni.f32.f32 %d, %a;", "b32", "b32", "b32", "b32",
                                      [](float a, float, float) { return fixed(std::nearbyint(a)); });
}

float widenBf16(uint16_t h) {
  uint32_t bits = static_cast<uint32_t>(h) << 16;
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}

TEST(FloatInstructions, HalvesRoundOnce) {
  compare<uint16_t, uint16_t, uint16_t, uint16_t>(
      "mul.rn.bf16 %d, %a, %b;", "b16", "b16", "b16", "b16", [](uint16_t a, uint16_t b, uint16_t) {
        return narrowed(static_cast<double>(widenBf16(a)) * widenBf16(b), 7, 8);
      });
  compare<uint32_t, uint32_t, uint32_t, uint32_t>(
      "add.rn.bf16x2 %d, %a, %b;", "b32", "b32", "b32", "b32", [](uint32_t a, uint32_t b, uint32_t) {
        auto sum = [](uint32_t x, uint32_t y) {
          return static_cast<uint32_t>(narrowed(
              static_cast<double>(widenBf16(static_cast<uint16_t>(x))) + widenBf16(static_cast<uint16_t>(y)),
              7, 8));
        };
        return sum(a >> 16, b >> 16) << 16 | sum(a & 0xffff, b & 0xffff);
      });
}

}  // namespace
}  // namespace softcuda::test
