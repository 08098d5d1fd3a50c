// set, setp, selp, slct and moves.
#include "lanes/lanes.h"

namespace softcuda::SOFTCUDA_LANES {
namespace {

struct Eq {
  template <class T>
  static bool apply(T a, T b) {
    return a == b;
  }
};
struct Ne {
  template <class T>
  static bool apply(T a, T b) {
    return std::is_floating_point_v<T> ? a < b || a > b : a != b;
  }
};
struct Lt {
  template <class T>
  static bool apply(T a, T b) {
    return a < b;
  }
};
struct Le {
  template <class T>
  static bool apply(T a, T b) {
    return a <= b;
  }
};
struct Gt {
  template <class T>
  static bool apply(T a, T b) {
    return a > b;
  }
};
struct Ge {
  template <class T>
  static bool apply(T a, T b) {
    return a >= b;
  }
};
struct Equ {
  template <class T>
  static bool apply(T a, T b) {
    return !(a < b || a > b);
  }
};
struct Neu {
  template <class T>
  static bool apply(T a, T b) {
    return a != b;
  }
};
struct Ltu {
  template <class T>
  static bool apply(T a, T b) {
    return !(a >= b);
  }
};
struct Leu {
  template <class T>
  static bool apply(T a, T b) {
    return !(a > b);
  }
};
struct Gtu {
  template <class T>
  static bool apply(T a, T b) {
    return !(a <= b);
  }
};
struct Geu {
  template <class T>
  static bool apply(T a, T b) {
    return !(a < b);
  }
};
struct Num {
  template <class T>
  static bool apply(T a, T b) {
    return a == a && b == b;
  }
};
struct Nan {
  template <class T>
  static bool apply(T a, T b) {
    return a != a || b != b;
  }
};

template <class T, class F>
uint32_t compareLanes(const T* a, const T* b) {
  uint8_t bytes[32];
  for (int i = 0; i < 32; ++i) bytes[i] = F::apply(a[i], b[i]) ? 1 : 0;
  return packBits(bytes);
}

// Two 16-bit floats widen exactly to float.
template <class Half>
struct Widened;
struct F16 {};
struct Bf16 {};
template <>
struct Widened<F16> {
  static float of(uint16_t h) {
    uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16, rest = h & 0x7fff;
    float f;
    if (rest >= 0x7c00) {
      uint32_t bits = sign | 0x7f800000 | (rest & 0x3ff) << 13;
      std::memcpy(&f, &bits, 4);
      return f;
    }
    uint32_t bits = rest << 13;
    std::memcpy(&f, &bits, 4);
    f *= 0x1p112f;
    return sign != 0 ? -f : f;
  }
};
template <>
struct Widened<Bf16> {
  static float of(uint16_t h) {
    uint32_t bits = static_cast<uint32_t>(h) << 16;
    float f;
    std::memcpy(&f, &bits, 4);
    return f;
  }
};

float flushed(float f) { return std::fabs(f) < 0x1p-126f ? std::copysign(0.0f, f) : f; }

template <class T, class F>
struct Plain {
  static uint32_t of(Warp& w, const Instr& in) {
    return compareLanes<T, F>(lanes<T>(w, in.a), lanes<T>(w, in.b));
  }
};
template <class F>
struct Flushed {
  static uint32_t of(Warp& w, const Instr& in) {
    float a[32], b[32];
    for (int i = 0; i < 32; ++i)
      a[i] = flushed(lanes<float>(w, in.a)[i]), b[i] = flushed(lanes<float>(w, in.b)[i]);
    return compareLanes<float, F>(a, b);
  }
};
template <class Half, class F, int Shift, class Word>
struct Narrow {
  static uint32_t of(Warp& w, const Instr& in) {
    float a[32], b[32];
    for (int i = 0; i < 32; ++i) {
      a[i] = Widened<Half>::of(static_cast<uint16_t>(lanes<Word>(w, in.a)[i] >> Shift));
      b[i] = Widened<Half>::of(static_cast<uint16_t>(lanes<Word>(w, in.b)[i] >> Shift));
    }
    return compareLanes<float, F>(a, b);
  }
};

uint32_t combine(Warp& w, const Instr& in, uint32_t result) {
  switch (in.flags & 3) {
    case 1:
      return result & predicate(w, in.c);
    case 2:
      return result | predicate(w, in.c);
    case 3:
      return result ^ predicate(w, in.c);
    default:
      return result;
  }
}

// d|e = (a cmp b) and its opposite, each combined with the predicate c.
template <class Compare>
void setp(Warp& w, const Instr& in, uint32_t mask) {
  uint32_t result = Compare::of(w, in);
  uint32_t second = in.e == kNoRef ? 0 : combine(w, in, ~result);
  setPredicate(w, in.d, combine(w, in, result), mask);
  setPredicate(w, in.e, second, mask);
}
// One predicate for each half.
template <class Half, class F>
void setpPair(Warp& w, const Instr& in, uint32_t mask) {
  uint32_t low = combine(w, in, Narrow<Half, F, 0, uint32_t>::of(w, in));
  uint32_t high = combine(w, in, Narrow<Half, F, 16, uint32_t>::of(w, in));
  setPredicate(w, in.d, low, mask);
  setPredicate(w, in.e, high, mask);
}

// d = all ones, or 1.0 with flags bit 2, where the comparison holds.
template <class Compare>
void set(Warp& w, const Instr& in, uint32_t mask) {
  uint32_t result = combine(w, in, Compare::of(w, in));
  uint32_t yes = (in.flags & 4) != 0 ? 0x3f800000 : ~0u;
  uint32_t r[32];
  for (int i = 0; i < 32; ++i) r[i] = (result >> i & 1) != 0 ? yes : 0;
  store(lanes<uint32_t>(w, in.d), r, mask);
}
// The result's halves: Instr::flags from bit 8 on is the pattern for "true".
template <class Half, class F, bool Pair>
void setHalf(Warp& w, const Instr& in, uint32_t mask) {
  using Word = std::conditional_t<Pair, uint32_t, uint16_t>;
  uint32_t low = combine(w, in, Narrow<Half, F, 0, Word>::of(w, in)), high = 0;
  if constexpr (Pair) high = combine(w, in, Narrow<Half, F, 16, Word>::of(w, in));
  uint32_t yes = in.flags >> 8 & 0xffff;
  for (int i = 0; i < 32; ++i) {
    if ((mask >> i & 1) == 0) continue;
    uint32_t value = (low >> i & 1) != 0 ? yes : 0;
    if ((high >> i & 1) != 0) value |= yes << 16;
    lanes<Word>(w, in.d)[i] = static_cast<Word>(value);
  }
}

template <class T>
void selp(Warp& w, const Instr& in, uint32_t mask) {
  uint32_t p = predicate(w, in.c);
  const T *a = lanes<T>(w, in.a), *b = lanes<T>(w, in.b);
  T r[32];
  for (int i = 0; i < 32; ++i) r[i] = (p >> i & 1) != 0 ? a[i] : b[i];
  store(lanes<T>(w, in.d), r, mask);
}
template <class T, class C>
void slct(Warp& w, const Instr& in, uint32_t mask) {
  const T *a = lanes<T>(w, in.a), *b = lanes<T>(w, in.b);
  const C* c = lanes<C>(w, in.c);
  T r[32];
  for (int i = 0; i < 32; ++i) r[i] = c[i] >= 0 ? a[i] : b[i];
  store(lanes<T>(w, in.d), r, mask);
}
template <class T>
void mov(Warp& w, const Instr& in, uint32_t mask) {
  store(lanes<T>(w, in.d), lanes<T>(w, in.a), mask);
}
void movPredicate(Warp& w, const Instr& in, uint32_t mask) {
  setPredicate(w, in.d, predicate(w, in.a), mask);
}

template <class T, class F>
void addPlain(Registry& r, const std::string& comparison, const std::string& t) {
  r["setp." + comparison + "." + t] = setp<Plain<T, F>>;
  r["set." + comparison + "." + t] = set<Plain<T, F>>;
}
template <class F>
void addFloat(Registry& r, const std::string& c) {
  addPlain<float, F>(r, c, "f32");
  addPlain<double, F>(r, c, "f64");
  r["setp." + c + ".ftz.f32"] = setp<Flushed<F>>;
  r["set." + c + ".ftz.f32"] = set<Flushed<F>>;
  r["setp." + c + ".f16"] = setp<Narrow<F16, F, 0, uint16_t>>;
  r["setp." + c + ".bf16"] = setp<Narrow<Bf16, F, 0, uint16_t>>;
  r["setp." + c + ".f16x2"] = setpPair<F16, F>;
  r["setp." + c + ".bf16x2"] = setpPair<Bf16, F>;
  r["set." + c + ".f16"] = setHalf<F16, F, false>;
  r["set." + c + ".bf16"] = setHalf<Bf16, F, false>;
  r["set." + c + ".f16x2"] = setHalf<F16, F, true>;
  r["set." + c + ".bf16x2"] = setHalf<Bf16, F, true>;
}
template <class F>
void addInteger(Registry& r, const std::string& c) {
  addPlain<uint16_t, F>(r, c, "u16"), addPlain<int16_t, F>(r, c, "s16"), addPlain<uint16_t, F>(r, c, "b16");
  addPlain<uint32_t, F>(r, c, "u32"), addPlain<int32_t, F>(r, c, "s32"), addPlain<uint32_t, F>(r, c, "b32");
  addPlain<uint64_t, F>(r, c, "u64"), addPlain<int64_t, F>(r, c, "s64"), addPlain<uint64_t, F>(r, c, "b64");
}
template <class T>
void addSelect(Registry& r, const std::string& t) {
  r["selp." + t] = selp<T>;
  r["slct." + t + ".s32"] = slct<T, int32_t>;
  r["slct." + t + ".f32"] = slct<T, float>;
  r["mov." + t] = mov<T>;
}

}  // namespace

void addComparisons(Registry& r) {
  addFloat<Eq>(r, "eq"), addFloat<Ne>(r, "ne"), addFloat<Lt>(r, "lt"), addFloat<Le>(r, "le");
  addFloat<Gt>(r, "gt"), addFloat<Ge>(r, "ge"), addFloat<Equ>(r, "equ"), addFloat<Neu>(r, "neu");
  addFloat<Ltu>(r, "ltu"), addFloat<Leu>(r, "leu"), addFloat<Gtu>(r, "gtu"), addFloat<Geu>(r, "geu");
  addFloat<Num>(r, "num"), addFloat<Nan>(r, "nan");
  addInteger<Eq>(r, "eq"), addInteger<Ne>(r, "ne"), addInteger<Lt>(r, "lt"), addInteger<Le>(r, "le");
  addInteger<Gt>(r, "gt"), addInteger<Ge>(r, "ge"), addInteger<Lt>(r, "lo"), addInteger<Le>(r, "ls");
  addInteger<Gt>(r, "hi"), addInteger<Ge>(r, "hs");
}

void addMoves(Registry& r) {
  addSelect<uint16_t>(r, "b16");
  addSelect<uint32_t>(r, "b32");
  addSelect<uint64_t>(r, "b64");
  r["mov.pred"] = movPredicate;
}

}  // namespace softcuda::SOFTCUDA_LANES
