// f32 and f64 arithmetic rounded to nearest.
#include "lanes/floats.h"

namespace softcuda::SOFTCUDA_LANES {
namespace {

template <class F>
struct Canonical {
  template <class... T>
  static auto apply(T... v) {
    return canonical(F::apply(v...));
  }
};
struct Min {
  template <class T>
  static T apply(T a, T b) {
    return minimum(a, b);
  }
};
struct Max {
  template <class T>
  static T apply(T a, T b) {
    return maximum(a, b);
  }
};
struct Neg {
  template <class T>
  static T apply(T a) {
    return -a;
  }
};
struct Abs {
  template <class T>
  static T apply(T a) {
    return a < 0 || (a == 0 && std::signbit(a)) ? -a : a;
  }
};
struct AbsF32 {
  static uint32_t apply(uint32_t a) { return a & 0x7fffffff; }
};
struct AbsF64 {
  static uint64_t apply(uint64_t a) { return a & ~(1ull << 63); }
};
struct NegF32 {
  static uint32_t apply(uint32_t a) { return a ^ 0x80000000; }
};
struct NegF64 {
  static uint64_t apply(uint64_t a) { return a ^ 1ull << 63; }
};
struct CopySign {
  static uint32_t apply(uint32_t a, uint32_t b) { return (a & 0x80000000) | (b & 0x7fffffff); }
  static uint64_t apply(uint64_t a, uint64_t b) { return (a & 1ull << 63) | (b & ~(1ull << 63)); }
};

// The approximations take the correctly rounded value of the double function: within every documented error.
struct Ex2 {
  static double of(double a) { return std::exp2(a); }
};
struct Lg2 {
  static double of(double a) { return std::log2(a); }
};
struct Sin {
  static double of(double a) { return std::sin(a); }
};
struct Cos {
  static double of(double a) { return std::cos(a); }
};
struct Tanh {
  static double of(double a) { return std::tanh(a); }
};
struct Rsqrt {
  static double of(double a) { return 1.0 / std::sqrt(a); }
};
// Without .ftz the double version is a subroutine of full precision; CUDA's rsqrt() is this one instruction.
struct RsqrtExact {
  static double apply(double a) { return Rsqrt::of(a); }
};
struct RcpApprox {
  static double of(double a) { return 1.0 / a; }
};
struct SqrtApprox {
  static double of(double a) { return std::sqrt(a); }
};
template <class F>
struct Approximate {
  static float apply(float a) { return canonical(static_cast<float>(F::of(a))); }
};
template <class F>
struct ApproximateFlushed {
  static float apply(float a) { return flush(canonical(static_cast<float>(F::of(flush(a))))); }
};
// The upper 32 bits of a double are all that rcp.approx.ftz.f64 looks at and gives.
template <class F>
struct ApproximateHigh {
  static double apply(double a) {
    uint64_t bits;
    std::memcpy(&bits, &a, 8);
    bits &= ~0xffffffffull;
    if ((bits >> 52 & 0x7ff) == 0) bits &= 1ull << 63;
    std::memcpy(&a, &bits, 8);
    double r = F::of(a);
    std::memcpy(&bits, &r, 8);
    bits &= ~0xffffffffull;
    if ((bits >> 52 & 0x7ff) == 0) bits &= 1ull << 63;
    std::memcpy(&r, &bits, 8);
    return r;
  }
};
// div.approx underflows for divisors above 2^126, div.full does not; both within 2 ulp otherwise.
struct DivApprox {
  static float apply(float a, float b) { return canonical(a / b); }
};

// Modifiers by flags: ftz, sat, NaN, xorsign.abs; rounding to nearest.
template <class T, class F>
void flagged(Warp& w, const Instr& in, uint32_t mask) {
  bool ftz = (in.flags & flag::ftz) != 0, sat = (in.flags & flag::sat) != 0;
  const T *a = lanes<T>(w, in.a), *b = in.b == kNoRef ? a : lanes<T>(w, in.b),
          *c = in.c == kNoRef ? a : lanes<T>(w, in.c);
  T r[32];
  for (int i = 0; i < 32; ++i) {
    T x = a[i], y = b[i], z = c[i];
    if (ftz) x = flush(x), y = flush(y), z = flush(z);
    T value = F::template call<T>(x, y, z);
    if (ftz) value = flush(value);
    r[i] = sat ? saturate(value) : value;
  }
  store(lanes<T>(w, in.d), r, mask);
}
template <class F>
struct One {
  template <class T>
  static T call(T x, T, T) {
    return canonical(F::apply(x));
  }
};
template <class F>
struct Two {
  template <class T>
  static T call(T x, T y, T) {
    return canonical(F::apply(x, y));
  }
};
template <class F>
struct Three {
  template <class T>
  static T call(T x, T y, T z) {
    return canonical(F::apply(x, y, z));
  }
};

// min and max with any of .ftz .NaN .xorsign.abs, of two or three.
template <bool Least>
void extreme(Warp& w, const Instr& in, uint32_t mask) {
  bool ftz = (in.flags & flag::ftz) != 0, nan = (in.flags & flag::nan) != 0,
       cross = (in.flags & flag::xorsignAbs) != 0;
  float r[32];
  for (int i = 0; i < 32; ++i) {
    float v[3] = {lanes<float>(w, in.a)[i], lanes<float>(w, in.b)[i], 0};
    int count = in.c == kNoRef ? 2 : 3;
    if (count == 3) v[2] = lanes<float>(w, in.c)[i];
    uint32_t sign = 0;
    bool any = false;
    for (int k = 0; k < count; ++k) {
      if (ftz) v[k] = flush(v[k]);
      sign ^= floatToBits(v[k]) & 0x80000000;
      any = any || v[k] != v[k];
      if (cross) v[k] = std::fabs(v[k]);
    }
    float best = v[0];
    for (int k = 1; k < count; ++k) best = Least ? minimum(best, v[k]) : maximum(best, v[k]);
    best = canonical(best);
    if (cross && best == best) best = bitsToFloat(floatToBits(best) ^ sign);
    r[i] = nan && any ? bitsToFloat(0x7fffffff) : best;
  }
  store(lanes<float>(w, in.d), r, mask);
}

template <class T, int Kind>
void testp(Warp& w, const Instr& in, uint32_t mask) {
  uint32_t result = 0;
  for (int i = 0; i < 32; ++i) {
    int c = std::fpclassify(lanes<T>(w, in.a)[i]);
    bool yes = Kind == 0   ? c != FP_NAN && c != FP_INFINITE
               : Kind == 1 ? c == FP_INFINITE
               : Kind == 2 ? c != FP_NAN
               : Kind == 3 ? c == FP_NAN
               : Kind == 4 ? c == FP_NORMAL || c == FP_ZERO
                           : c == FP_SUBNORMAL;
    result |= static_cast<uint32_t>(yes) << i;
  }
  setPredicate(w, in.d, result, mask);
}

template <class T>
void addType(Registry& r, const std::string& t) {
  r["add." + t] = binary<T, T, T, Canonical<FAdd>>;
  r["sub." + t] = binary<T, T, T, Canonical<FSub>>;
  r["mul." + t] = binary<T, T, T, Canonical<FMul>>;
  r["div." + t] = binary<T, T, T, Canonical<FDiv>>;
  r["fma." + t] = ternary<T, T, T, T, Canonical<Fma>>;
  r["min." + t] = binary<T, T, T, Min>;
  r["max." + t] = binary<T, T, T, Max>;
  r["sqrt." + t] = unary<T, T, Canonical<Sqrt>>;
  r["rcp." + t] = unary<T, T, Canonical<Rcp>>;
  r["add." + t + "*"] = flagged<T, Two<FAdd>>;
  r["sub." + t + "*"] = flagged<T, Two<FSub>>;
  r["mul." + t + "*"] = flagged<T, Two<FMul>>;
  r["div." + t + "*"] = flagged<T, Two<FDiv>>;
  r["fma." + t + "*"] = flagged<T, Three<Fma>>;
  r["sqrt." + t + "*"] = flagged<T, One<Sqrt>>;
  r["rcp." + t + "*"] = flagged<T, One<Rcp>>;
  const char* kinds[] = {"finite", "infinite", "number", "notanumber", "normal", "subnormal"};
  Handler handlers[] = {testp<T, 0>, testp<T, 1>, testp<T, 2>, testp<T, 3>, testp<T, 4>, testp<T, 5>};
  for (int i = 0; i < 6; ++i) r[std::string("testp.") + kinds[i] + "." + t] = handlers[i];
}
template <class F>
void addApproximation(Registry& r, const std::string& name) {
  r[name + ".f32"] = unary<float, float, Approximate<F>>;
  r[name + ".ftz.f32"] = unary<float, float, ApproximateFlushed<F>>;
}

}  // namespace

void addFloats(Registry& r) {
  addType<float>(r, "f32");
  addType<double>(r, "f64");
  r["neg.f32"] = unary<uint32_t, uint32_t, NegF32>, r["abs.f32"] = unary<uint32_t, uint32_t, AbsF32>;
  r["neg.f64"] = unary<uint64_t, uint64_t, NegF64>, r["abs.f64"] = unary<uint64_t, uint64_t, AbsF64>;
  r["neg.f32*"] = flagged<float, One<Neg>>, r["abs.f32*"] = flagged<float, One<Abs>>;
  r["copysign.f32"] = binary<uint32_t, uint32_t, uint32_t, CopySign>;
  r["copysign.f64"] = binary<uint64_t, uint64_t, uint64_t, CopySign>;
  r["min.f32*"] = extreme<true>, r["max.f32*"] = extreme<false>;
  r["div.approx.f32"] = binary<float, float, float, DivApprox>, r["div.full.f32"] = r["div.approx.f32"];
  r["div.approx.f32*"] = flagged<float, Two<FDiv>>, r["div.full.f32*"] = r["div.approx.f32*"];
  addApproximation<Ex2>(r, "ex2.approx"), addApproximation<Lg2>(r, "lg2.approx");
  addApproximation<Sin>(r, "sin.approx"), addApproximation<Cos>(r, "cos.approx");
  addApproximation<Tanh>(r, "tanh.approx"), addApproximation<Rsqrt>(r, "rsqrt.approx");
  addApproximation<RcpApprox>(r, "rcp.approx"), addApproximation<SqrtApprox>(r, "sqrt.approx");
  r["rcp.approx.ftz.f64"] = unary<double, double, ApproximateHigh<RcpApprox>>;
  r["rsqrt.approx.ftz.f64"] = unary<double, double, ApproximateHigh<Rsqrt>>;
  r["rsqrt.approx.f64"] = unary<double, double, Canonical<RsqrtExact>>;
}

}  // namespace softcuda::SOFTCUDA_LANES
