// f32 and f64 arithmetic rounded toward zero, down or up: the unit itself rounds, in the mode set around the
// loop. Compiled with -frounding-math.
#include <cfenv>

#include "lanes/floats.h"

namespace softcuda::SOFTCUDA_LANES {
namespace {

struct Mode {
  explicit Mode(uint32_t flags) {
    static constexpr int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
    std::fesetround(modes[flags & flag::roundMask & 3]);
  }
  ~Mode() { std::fesetround(FE_TONEAREST); }
};

template <class T, class F>
__attribute__((noinline)) void loop(const T* a, const T* b, const T* c, T* r, uint32_t flags) {
  Mode mode(flags);
  for (int i = 0; i < 32; ++i) r[i] = F::template call<T>(a[i], b[i], c[i]);
}

template <class T, class F>
void directed(Warp& w, const Instr& in, uint32_t mask) {
  bool ftz = (in.flags & flag::ftz) != 0, sat = (in.flags & flag::sat) != 0;
  T v[3][32], r[32];
  const Ref refs[3] = {in.a, in.b == kNoRef ? in.a : in.b, in.c == kNoRef ? in.a : in.c};
  for (int k = 0; k < 3; ++k) {
    const T* from = lanes<T>(w, refs[k]);
    for (int i = 0; i < 32; ++i) v[k][i] = ftz ? flush(from[i]) : from[i];
  }
  loop<T, F>(v[0], v[1], v[2], r, in.flags);
  for (int i = 0; i < 32; ++i) {
    r[i] = canonical(r[i]);
    if (ftz) r[i] = flush(r[i]);
    if (sat) r[i] = saturate(r[i]);
  }
  store(lanes<T>(w, in.d), r, mask);
}

template <class F>
struct One {
  template <class T>
  static T call(T x, T, T) {
    return F::apply(x);
  }
};
template <class F>
struct Two {
  template <class T>
  static T call(T x, T y, T) {
    return F::apply(x, y);
  }
};
template <class F>
struct Three {
  template <class T>
  static T call(T x, T y, T z) {
    return F::apply(x, y, z);
  }
};

template <class T>
void addType(Registry& r, const std::string& t) {
  r["add.directed." + t] = directed<T, Two<FAdd>>;
  r["sub.directed." + t] = directed<T, Two<FSub>>;
  r["mul.directed." + t] = directed<T, Two<FMul>>;
  r["div.directed." + t] = directed<T, Two<FDiv>>;
  r["fma.directed." + t] = directed<T, Three<Fma>>;
  r["sqrt.directed." + t] = directed<T, One<Sqrt>>;
  r["rcp.directed." + t] = directed<T, One<Rcp>>;
}

}  // namespace

void addDirected(Registry& r) {
  addType<float>(r, "f32");
  addType<double>(r, "f64");
}

}  // namespace softcuda::SOFTCUDA_LANES
