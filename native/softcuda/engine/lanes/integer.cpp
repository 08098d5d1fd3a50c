// Integer arithmetic.
#include "lanes/lanes.h"

namespace softcuda::SOFTCUDA_LANES {
namespace {

template <class T>
struct WiderOf;
template <>
struct WiderOf<int16_t> {
  using type = int32_t;
};
template <>
struct WiderOf<uint16_t> {
  using type = uint32_t;
};
template <>
struct WiderOf<int32_t> {
  using type = int64_t;
};
template <>
struct WiderOf<uint32_t> {
  using type = uint64_t;
};
template <>
struct WiderOf<int64_t> {
  using type = __int128;
};
template <>
struct WiderOf<uint64_t> {
  using type = unsigned __int128;
};
template <class T>
using Wider = typename WiderOf<T>::type;
template <class T>
using Bits = std::make_unsigned_t<T>;

struct Add {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(Bits<T>(a) + Bits<T>(b));
  }
};
struct Sub {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(Bits<T>(a) - Bits<T>(b));
  }
};
struct MulLo {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  }
};
struct MulHi {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<Wider<T>>(a) * static_cast<Wider<T>>(b) >> 8 * sizeof(T));
  }
};
struct MulWide {
  template <class T>
  static Wider<T> apply(T a, T b) {
    return static_cast<Wider<T>>(a) * static_cast<Wider<T>>(b);
  }
};
struct MadLo {
  template <class T>
  static T apply(T a, T b, T c) {
    return Add::apply(MulLo::apply(a, b), c);
  }
};
struct MadHi {
  template <class T>
  static T apply(T a, T b, T c) {
    return Add::apply(MulHi::apply(a, b), c);
  }
};
struct MadHiSat {
  static int32_t apply(int32_t a, int32_t b, int32_t c) {
    int64_t sum = static_cast<int64_t>(MulHi::apply(a, b)) + c;
    return static_cast<int32_t>(sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum);
  }
};
struct MadWide {
  template <class T>
  static Wider<T> apply(T a, T b, Wider<T> c) {
    return Add::apply(MulWide::apply(a, b), c);
  }
};
struct AddSat {
  static int32_t apply(int32_t a, int32_t b) {
    int64_t sum = static_cast<int64_t>(a) + b;
    return static_cast<int32_t>(sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum);
  }
};
struct SubSat {
  static int32_t apply(int32_t a, int32_t b) {
    int64_t sum = static_cast<int64_t>(a) - b;
    return static_cast<int32_t>(sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum);
  }
};
// Division by zero gives all ones and leaves the dividend as remainder, as NVIDIA's hardware does.
struct Div {
  template <class T>
  static T apply(T a, T b) {
    if (b == 0) return static_cast<T>(~T{0});
    if (std::is_signed_v<T> && b == static_cast<T>(-1)) return Sub::apply(T{0}, a);
    return static_cast<T>(a / b);
  }
};
struct Rem {
  template <class T>
  static T apply(T a, T b) {
    if (b == 0) return a;
    if (std::is_signed_v<T> && b == static_cast<T>(-1)) return 0;
    return static_cast<T>(a % b);
  }
};
struct Min {
  template <class T>
  static T apply(T a, T b) {
    return a < b ? a : b;
  }
};
struct Max {
  template <class T>
  static T apply(T a, T b) {
    return a > b ? a : b;
  }
};
struct MinRelu {
  template <class T>
  static T apply(T a, T b) {
    T m = a < b ? a : b;
    return m > 0 ? m : T{0};
  }
};
struct MaxRelu {
  template <class T>
  static T apply(T a, T b) {
    T m = a > b ? a : b;
    return m > 0 ? m : T{0};
  }
};
struct Neg {
  template <class T>
  static T apply(T a) {
    return Sub::apply(T{0}, a);
  }
};
struct Abs {
  template <class T>
  static T apply(T a) {
    return a < 0 ? Sub::apply(T{0}, a) : a;
  }
};
struct Sad {
  template <class T>
  static T apply(T a, T b, T c) {
    return Add::apply(c, a < b ? Sub::apply(b, a) : Sub::apply(a, b));
  }
};
template <class T>
T low24(T a) {
  return std::is_signed_v<T> ? static_cast<T>(static_cast<T>(Bits<T>(a) << 8) >> 8)
                             : static_cast<T>(a & 0xffffff);
}
struct Mul24Lo {
  template <class T>
  static T apply(T a, T b) {
    return MulLo::apply(low24(a), low24(b));
  }
};
struct Mul24Hi {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<Wider<T>>(low24(a)) * low24(b) >> 16);
  }
};
struct Mad24Lo {
  template <class T>
  static T apply(T a, T b, T c) {
    return Add::apply(Mul24Lo::apply(a, b), c);
  }
};
struct Mad24Hi {
  template <class T>
  static T apply(T a, T b, T c) {
    return Add::apply(Mul24Hi::apply(a, b), c);
  }
};

// The 16-bit halves of a register, one by one.
template <class T, class F>
struct Pairs {
  static uint32_t apply(uint32_t a, uint32_t b) {
    uint32_t low = static_cast<uint16_t>(F::apply(static_cast<T>(a), static_cast<T>(b)));
    uint32_t high = static_cast<uint16_t>(F::apply(static_cast<T>(a >> 16), static_cast<T>(b >> 16)));
    return high << 16 | low;
  }
};

template <class A, class B>
struct Dp4a {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    for (int i = 0; i < 32; i += 8)
      c += static_cast<uint32_t>(static_cast<int32_t>(static_cast<A>(a >> i)) * static_cast<B>(b >> i));
    return c;
  }
};
template <class A, class B, int Shift>
struct Dp2a {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    using A16 = std::conditional_t<std::is_signed_v<A>, int16_t, uint16_t>;
    for (int i = 0; i < 2; ++i)
      c += static_cast<uint32_t>(static_cast<int32_t>(static_cast<A16>(a >> 16 * i)) *
                                 static_cast<B>(b >> (Shift + 8 * i)));
    return c;
  }
};

template <class T>
void addType(Registry& r, const std::string& t) {
  r["add." + t] = binary<T, T, T, Add>;
  r["sub." + t] = binary<T, T, T, Sub>;
  r["mul.lo." + t] = binary<T, T, T, MulLo>;
  r["mul.hi." + t] = binary<T, T, T, MulHi>;
  r["mad.lo." + t] = ternary<T, T, T, T, MadLo>;
  r["mad.hi." + t] = ternary<T, T, T, T, MadHi>;
  r["div." + t] = binary<T, T, T, Div>;
  r["rem." + t] = binary<T, T, T, Rem>;
  r["min." + t] = binary<T, T, T, Min>;
  r["max." + t] = binary<T, T, T, Max>;
  r["sad." + t] = ternary<T, T, T, T, Sad>;
  if constexpr (std::is_signed_v<T>) {
    r["neg." + t] = unary<T, T, Neg>;
    r["abs." + t] = unary<T, T, Abs>;
  }
  if constexpr (sizeof(T) < 8) {
    r["mul.wide." + t] = binary<Wider<T>, T, T, MulWide>;
    r["mad.wide." + t] = ternary<Wider<T>, T, T, Wider<T>, MadWide>;
  }
  if constexpr (sizeof(T) == 4) {
    r["mul24.lo." + t] = binary<T, T, T, Mul24Lo>;
    r["mul24.hi." + t] = binary<T, T, T, Mul24Hi>;
    r["mad24.lo." + t] = ternary<T, T, T, T, Mad24Lo>;
    r["mad24.hi." + t] = ternary<T, T, T, T, Mad24Hi>;
  }
}

template <class A, class B>
void addDots(Registry& r, const std::string& types) {
  r["dp4a." + types] = ternary<uint32_t, uint32_t, uint32_t, uint32_t, Dp4a<A, B>>;
  r["dp2a.lo." + types] = ternary<uint32_t, uint32_t, uint32_t, uint32_t, Dp2a<A, B, 0>>;
  r["dp2a.hi." + types] = ternary<uint32_t, uint32_t, uint32_t, uint32_t, Dp2a<A, B, 16>>;
}

template <class T, class F>
void addPairs(Registry& r, const std::string& name) {
  r[name] = binary<uint32_t, uint32_t, uint32_t, Pairs<T, F>>;
}

}  // namespace

void addIntegers(Registry& r) {
  addType<uint16_t>(r, "u16");
  addType<int16_t>(r, "s16");
  addType<uint32_t>(r, "u32");
  addType<int32_t>(r, "s32");
  addType<uint64_t>(r, "u64");
  addType<int64_t>(r, "s64");
  r["add.sat.s32"] = binary<int32_t, int32_t, int32_t, AddSat>;
  r["sub.sat.s32"] = binary<int32_t, int32_t, int32_t, SubSat>;
  r["mad.hi.sat.s32"] = ternary<int32_t, int32_t, int32_t, int32_t, MadHiSat>;
  r["min.relu.s32"] = binary<int32_t, int32_t, int32_t, MinRelu>;
  r["max.relu.s32"] = binary<int32_t, int32_t, int32_t, MaxRelu>;
  addPairs<uint16_t, Add>(r, "add.u16x2");
  addPairs<int16_t, Add>(r, "add.s16x2");
  addPairs<uint16_t, Min>(r, "min.u16x2");
  addPairs<int16_t, Min>(r, "min.s16x2");
  addPairs<uint16_t, Max>(r, "max.u16x2");
  addPairs<int16_t, Max>(r, "max.s16x2");
  addPairs<int16_t, MinRelu>(r, "min.relu.s16x2");
  addPairs<int16_t, MaxRelu>(r, "max.relu.s16x2");
  addDots<uint8_t, uint8_t>(r, "u32.u32");
  addDots<uint8_t, int8_t>(r, "u32.s32");
  addDots<int8_t, uint8_t>(r, "s32.u32");
  addDots<int8_t, int8_t>(r, "s32.s32");
}

}  // namespace softcuda::SOFTCUDA_LANES
