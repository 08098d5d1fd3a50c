// cvt: every pair of types lane by lane, and loops for the common ones.
#include "lanes/convert.h"

#include <cfenv>
#include <limits>

#include "lanes/floats.h"
#include "program/details.h"

namespace softcuda::SOFTCUDA_LANES {
namespace {

using ptx::Type;

// A source value: an integer or a float, exactly.
struct Value {
  bool real = false;
  double f = 0;
  __int128 i = 0;
};

Format formatOf(Type type) {
  switch (type) {
    case Type::f16:
    case Type::f16x2:
      return kF16;
    case Type::bf16:
    case Type::bf16x2:
      return kBf16;
    case Type::tf32:
      return kTf32;
    case Type::e4m3:
    case Type::e4m3x2:
      return kE4m3;
    case Type::e5m2:
    case Type::e5m2x2:
      return kE5m2;
    default:
      return kF32;
  }
}

uint64_t rawOf(const std::byte* lanes, unsigned bytes, int lane) {
  uint64_t raw = 0;
  std::memcpy(&raw, lanes + lane * bytes, bytes);
  return raw;
}

Value valueOf(uint64_t raw, Type type, bool ftz) {
  Value v;
  switch (type) {
    case Type::u8:
      v.i = static_cast<uint8_t>(raw);
      return v;
    case Type::u16:
      v.i = static_cast<uint16_t>(raw);
      return v;
    case Type::u32:
      v.i = static_cast<uint32_t>(raw);
      return v;
    case Type::u64:
      v.i = raw;
      return v;
    case Type::s8:
      v.i = static_cast<int8_t>(raw);
      return v;
    case Type::s16:
      v.i = static_cast<int16_t>(raw);
      return v;
    case Type::s32:
      v.i = static_cast<int32_t>(raw);
      return v;
    case Type::s64:
      v.i = static_cast<int64_t>(raw);
      return v;
    default:
      break;
  }
  v.real = true;
  if (type == Type::f64) {
    std::memcpy(&v.f, &raw, 8);
  } else if (type == Type::f32) {
    float f = bitsToFloat(static_cast<uint32_t>(raw));
    v.f = ftz ? flush(f) : f;
  } else {
    v.f = valueOf(static_cast<uint32_t>(raw), formatOf(type));
  }
  return v;
}

double roundIntegral(double f, Round round) {
  switch (round) {
    case Round::zero:
      return std::trunc(f);
    case Round::down:
      return std::floor(f);
    case Round::up:
      return std::ceil(f);
    default:
      return std::nearbyint(f);
  }
}

uint64_t toInteger(const Value& v, Type from, Type to, bool sat, Round round) {
  unsigned bits = ptx::bitsOf(to);
  bool isSigned = ptx::isSigned(to);
  __int128 least = isSigned ? -(__int128{1} << (bits - 1)) : 0;
  __int128 most = isSigned ? (__int128{1} << (bits - 1)) - 1 : (__int128{1} << bits) - 1;
  __int128 i = v.i;
  if (v.real) {
    // NaN becomes 0, or 1 << (bits - 1) where 64 bits are involved, as PTX defines it.
    if (v.f != v.f) return bits == 64 || from == Type::f64 ? 1ull << (bits - 1) : 0;
    double whole = roundIntegral(v.f, round);
    i = whole >= static_cast<double>(most)    ? most
        : whole <= static_cast<double>(least) ? least
                                              : static_cast<__int128>(whole);
  } else if (sat) {
    i = i > most ? most : i < least ? least : i;
  }
  uint64_t raw = static_cast<uint64_t>(i);
  if (bits < 64) {
    raw &= (1ull << bits) - 1;
    if (isSigned && (raw >> (bits - 1) & 1) != 0) raw |= ~0ull << bits;
  }
  return raw;
}

int modeOf(Round round) {
  switch (round) {
    case Round::zero:
      return FE_TOWARDZERO;
    case Round::down:
      return FE_DOWNWARD;
    case Round::up:
      return FE_UPWARD;
    default:
      return FE_TONEAREST;
  }
}

// Correctly rounded by the unit itself, in the mode that is set around the call.
template <class F, class I>
__attribute__((noinline)) F castInMode(I i, Round round) {
  if (round == Round::nearest) return static_cast<F>(i);
  std::fesetround(modeOf(round));
  volatile I in = i;
  volatile F out = static_cast<F>(in);
  std::fesetround(FE_TONEAREST);
  return out;
}

template <class F>
F fromValue(const Value& v, Round round) {
  if (v.real) return castInMode<F, double>(v.f, round);
  if (v.i < 0) return castInMode<F, int64_t>(static_cast<int64_t>(v.i), round);
  return castInMode<F, uint64_t>(static_cast<uint64_t>(v.i), round);
}

// An integer beyond 2^53 that goes to a 16-bit float: odd rounding keeps the second rounding exact.
double exactEnough(const Value& v) {
  if (v.real) return v.f;
  double f = static_cast<double>(v.i);
  __int128 back = static_cast<__int128>(f);
  if (back == v.i) return f;
  uint64_t bits;
  std::memcpy(&bits, &f, 8);
  __int128 magnitude = v.i < 0 ? -v.i : v.i, backMagnitude = back < 0 ? -back : back;
  if (backMagnitude > magnitude) --bits;
  bits |= 1;
  std::memcpy(&f, &bits, 8);
  return f;
}

uint64_t toNarrow(double f, Type to, const ConvertDetail& how) {
  Format format = formatOf(to);
  bool eight = to == Type::e4m3 || to == Type::e4m3x2 || to == Type::e5m2 || to == Type::e5m2x2;
  if (f != f)
    return to == Type::tf32                       ? 0x7fffffff
           : eight                                ? 0x7f
           : to == Type::f16 || to == Type::f16x2 ? 0x7fff
                                                  : 0x7fff;
  if (how.relu && (f < 0 || std::signbit(f))) f = 0;
  if (how.sat) f = saturate(f);
  uint64_t bits = roundTo(f, format, how.round, how.satfinite || eight);
  return to == Type::tf32 ? bits << 13 : bits;
}

uint64_t toFloat(Value v, const ConvertDetail& how) {
  if (v.real && how.integral) v.f = roundIntegral(v.f, how.round);
  if (how.to == Type::f64) {
    double f = fromValue<double>(v, how.integral ? Round::nearest : how.round);
    if (how.sat) f = saturate(f);
    uint64_t raw;
    std::memcpy(&raw, &f, 8);
    return raw;
  }
  if (how.to == Type::f32) {
    float f = canonical(fromValue<float>(v, how.integral ? Round::nearest : how.round));
    if (how.ftz) f = flush(f);
    if (how.relu) f = f != f ? f : f > 0 ? f : 0.0f;
    if (how.sat) f = saturate(f);
    return floatToBits(f);
  }
  return toNarrow(exactEnough(v), how.to, how);
}

void generic(Warp& w, const Instr& in, uint32_t mask) {
  const auto& how = static_cast<const ConvertDetail&>(*in.detail);
  for (int i = 0; i < 32; ++i) {
    if ((mask >> i & 1) == 0) continue;
    Value v = valueOf(rawOf(lanes<std::byte>(w, in.a), how.sourceBytes, i), how.from, how.ftz);
    uint64_t raw =
        ptx::isFloat(how.to) ? toFloat(v, how) : toInteger(v, how.from, how.to, how.sat, how.round);
    std::memcpy(lanes<std::byte>(w, in.d) + i * how.targetBytes, &raw, how.targetBytes);
  }
}

// Two floats into the halves of d, a above b; or a pair of narrow formats into another pair.
void pair(Warp& w, const Instr& in, uint32_t mask) {
  const auto& how = static_cast<const ConvertDetail&>(*in.detail);
  unsigned width = ptx::bitsOf(how.to) / 2;
  for (int i = 0; i < 32; ++i) {
    if ((mask >> i & 1) == 0) continue;
    double high, low;
    if (how.from == Type::f32) {
      high = valueOf(rawOf(lanes<std::byte>(w, in.a), 4, i), Type::f32, how.ftz).f;
      low = valueOf(rawOf(lanes<std::byte>(w, in.b), 4, i), Type::f32, how.ftz).f;
    } else {
      unsigned bits = ptx::bitsOf(how.from) / 2;
      uint64_t raw = rawOf(lanes<std::byte>(w, in.a), how.sourceBytes, i);
      low = valueOf(static_cast<uint32_t>(raw & ((1u << bits) - 1)), formatOf(how.from));
      high = valueOf(static_cast<uint32_t>(raw >> bits), formatOf(how.from));
    }
    uint64_t raw = toNarrow(high, how.to, how) << width | toNarrow(low, how.to, how);
    std::memcpy(lanes<std::byte>(w, in.d) + i * how.targetBytes, &raw, how.targetBytes);
  }
}

// cvt.pack: d = c << …| sat(a) | sat(b), narrow integers from the top.
void pack(Warp& w, const Instr& in, uint32_t mask) {
  const auto& how = static_cast<const ConvertDetail&>(*in.detail);
  unsigned bits = ptx::bitsOf(how.to);
  for (int i = 0; i < 32; ++i) {
    if ((mask >> i & 1) == 0) continue;
    uint32_t field = bits == 32 ? ~0u : (1u << bits) - 1;
    Value a, b;
    a.i = lanes<int32_t>(w, in.a)[i], b.i = lanes<int32_t>(w, in.b)[i];
    uint32_t low = static_cast<uint32_t>(toInteger(b, Type::s32, how.to, true, Round::nearest)) & field;
    uint32_t high = static_cast<uint32_t>(toInteger(a, Type::s32, how.to, true, Round::nearest)) & field;
    uint32_t kept = in.c == kNoRef || bits > 8 ? 0 : lanes<uint32_t>(w, in.c)[i] << 2 * bits;
    lanes<uint32_t>(w, in.d)[i] = kept | high << bits | low;
  }
}

template <class D, class S>
struct Cast {
  static D apply(S s) { return static_cast<D>(s); }
};
struct Narrowed {
  static float apply(double d) { return canonical(static_cast<float>(d)); }
};
struct Bf16Rn {
  static uint16_t apply(uint32_t bits) {
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? 0x7fff : rounded);
  }
};
struct FromBf16 {
  static uint32_t apply(uint16_t h) { return static_cast<uint32_t>(h) << 16; }
};
struct FromF16 {
  static float apply(uint16_t h) {
    uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16, rest = h & 0x7fff;
    float f = bitsToFloat(rest << 13) * 0x1p112f;
    uint32_t bits = rest > 0x7c00 ? 0x7fffffff : (rest == 0x7c00 ? 0x7f800000 : floatToBits(f)) | sign;
    return bitsToFloat(bits);
  }
};
template <class I, bool Truncate>
struct ToInt {
  static I apply(float f) {
    double whole =
        Truncate ? __builtin_trunc(static_cast<double>(f)) : __builtin_rint(static_cast<double>(f));
    double least = std::numeric_limits<I>::min(), most = std::numeric_limits<I>::max();
    whole = whole < least ? least : whole > most ? most : whole;
    return f == f ? static_cast<I>(static_cast<int64_t>(whole)) : I{0};
  }
};

template <class D, class S>
void addCast(Registry& r, const std::string& d, const std::string& s) {
  r["cvt." + d + "." + s] = unary<D, S, Cast<D, S>>;
}

}  // namespace

void addConversions(Registry& r) {
  r["cvt"] = generic;
  r["cvt pair"] = pair;
  r["cvt pack"] = pack;
  addCast<uint64_t, uint32_t>(r, "u64", "u32"), addCast<uint32_t, uint64_t>(r, "u32", "u64");
  addCast<int64_t, int32_t>(r, "s64", "s32"), addCast<uint16_t, uint32_t>(r, "u16", "u32");
  addCast<uint32_t, uint16_t>(r, "u32", "u16"), addCast<int32_t, int16_t>(r, "s32", "s16");
  addCast<float, int32_t>(r, "f32", "s32"), addCast<float, uint32_t>(r, "f32", "u32");
  addCast<double, int32_t>(r, "f64", "s32"), addCast<double, float>(r, "f64", "f32");
  r["cvt.f32.f64"] = unary<float, double, Narrowed>;
  r["cvt.bf16.f32"] = unary<uint16_t, uint32_t, Bf16Rn>;
  r["cvt.f32.bf16"] = unary<uint32_t, uint16_t, FromBf16>;
  r["cvt.f32.f16"] = unary<float, uint16_t, FromF16>;
  r["cvt.rzi.s32.f32"] = unary<int32_t, float, ToInt<int32_t, true>>;
  r["cvt.rni.s32.f32"] = unary<int32_t, float, ToInt<int32_t, false>>;
  r["cvt.rzi.u32.f32"] = unary<uint32_t, float, ToInt<uint32_t, true>>;
}

}  // namespace softcuda::SOFTCUDA_LANES
