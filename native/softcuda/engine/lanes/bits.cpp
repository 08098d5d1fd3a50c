// Logic, shifts, bit fields, permutations and arithmetic with a carry.
#include "lanes/lanes.h"

namespace softcuda::SOFTCUDA_LANES {
namespace {

template <class T>
using Bits = std::make_unsigned_t<T>;
template <class T>
constexpr uint32_t kWidth = 8 * sizeof(T);

struct And {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a ^ b);
  }
};
struct Not {
  template <class T>
  static T apply(T a) {
    return static_cast<T>(~a);
  }
};
struct Cnot {
  template <class T>
  static T apply(T a) {
    return a == 0 ? T{1} : T{0};
  }
};
struct Shl {
  template <class T>
  static T apply(T a, uint32_t b) {
    return b >= kWidth<T> ? T{0} : static_cast<T>(a << (b & (kWidth<T> - 1)));
  }
};
struct Shr {
  template <class T>
  static T apply(T a, uint32_t b) {
    uint32_t last = kWidth<T> - 1;
    if constexpr (std::is_signed_v<T>) return static_cast<T>(a >> (b > last ? last : b));
    return b > last ? T{0} : static_cast<T>(a >> (b & last));
  }
};
struct Popc {
  static uint32_t apply(uint32_t a) { return static_cast<uint32_t>(__builtin_popcount(a)); }
  static uint32_t apply(uint64_t a) { return static_cast<uint32_t>(__builtin_popcountll(a)); }
};
struct Clz {
  static uint32_t apply(uint32_t a) { return a == 0 ? 32 : static_cast<uint32_t>(__builtin_clz(a)); }
  static uint32_t apply(uint64_t a) { return a == 0 ? 64 : static_cast<uint32_t>(__builtin_clzll(a)); }
};
struct Brev {
  template <class T>
  static T apply(T a) {
    T r = 0;
    for (uint32_t i = 0; i < kWidth<T>; ++i) r |= static_cast<T>((a >> i & 1) << (kWidth<T> - 1 - i));
    return r;
  }
};
// The position of the most significant bit that is no sign; all ones where there is none.
struct Bfind {
  template <class T>
  static uint32_t apply(T a) {
    Bits<T> bits = std::is_signed_v<T> && a < 0 ? static_cast<Bits<T>>(~a) : static_cast<Bits<T>>(a);
    return bits == 0 ? ~0u : kWidth<T> - 1 - Clz::apply(bits);
  }
};
struct BfindShift {
  template <class T>
  static uint32_t apply(T a) {
    uint32_t at = Bfind::apply(a);
    return at == ~0u ? at : kWidth<T> - 1 - at;
  }
};
struct Bfe {
  template <class T>
  static T apply(T a, uint32_t b, uint32_t c) {
    uint32_t start = b & 0xff, length = c & 0xff, last = kWidth<T> - 1;
    using U = Bits<T>;
    U bits = start > last ? U{0} : static_cast<U>(static_cast<U>(a) >> start);
    if (length <= last) bits &= static_cast<U>((U{1} << length) - 1);
    if constexpr (std::is_signed_v<T>) {
      uint32_t top = start + length == 0 ? 0 : start + length - 1;
      bool sign = length != 0 && (static_cast<U>(a) >> (top > last ? last : top) & 1) != 0;
      uint32_t kept = length;
      if (start + length > last + 1) kept = start > last ? 0 : last + 1 - start;
      if (sign && kept <= last) bits |= static_cast<U>(~U{0} << kept);
    }
    return static_cast<T>(bits);
  }
};
struct Bfi {
  template <class T>
  static T apply(T a, T b, uint32_t c, uint32_t d) {
    uint32_t start = c & 0xff, length = d & 0xff;
    if (start >= kWidth<T> || length == 0) return b;
    T field = length >= kWidth<T> ? static_cast<T>(~T{0}) : static_cast<T>((T{1} << length) - 1);
    T mask = static_cast<T>(field << start);
    return static_cast<T>((b & ~mask) | (static_cast<T>(a << start) & mask));
  }
};
struct Bmsk {
  template <bool Clamp>
  struct Of {
    static uint32_t apply(uint32_t a, uint32_t b) {
      uint32_t start = Clamp ? a : a & 31, length = Clamp ? b : b & 31;
      if (start >= 32 || length == 0) return 0;
      uint32_t field = length >= 32 ? ~0u : (1u << length) - 1;
      return field << start;
    }
  };
};
template <bool Clamp, bool Signed>
struct Szext {
  static uint32_t apply(uint32_t a, uint32_t b) {
    uint32_t length = Clamp ? b : b & 31;
    if (length >= 32) return a;
    if (length == 0) return 0;
    uint32_t low = a & ((1u << length) - 1);
    if (Signed && (low >> (length - 1) & 1) != 0) low |= ~0u << length;
    return low;
  }
};
struct Fns {
  static uint32_t apply(uint32_t mask, uint32_t base, int32_t offset) {
    if (offset == 0) return base < 32 && (mask >> base & 1) != 0 ? base : ~0u;
    int step = offset > 0 ? 1 : -1, left = offset > 0 ? offset : -offset;
    for (int at = static_cast<int>(base & 31); at >= 0 && at < 32; at += step)
      if ((mask >> at & 1) != 0 && --left == 0) return static_cast<uint32_t>(at);
    return ~0u;
  }
};
template <bool Left, bool Clamp>
struct Funnel {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t n = Clamp ? (c > 32 ? 32 : c) : c & 31;
    uint64_t both = static_cast<uint64_t>(b) << 32 | a;
    return static_cast<uint32_t>(Left ? both << n >> 32 : both >> n);
  }
};
struct Prmt {
  static uint32_t pick(uint64_t both, uint32_t selector) {
    uint32_t byte = static_cast<uint32_t>(both >> 8 * (selector & 7)) & 0xff;
    return (selector & 8) != 0 ? ((byte & 0x80) != 0 ? 0xff : 0) : byte;
  }
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    uint64_t both = static_cast<uint64_t>(b) << 32 | a;
    uint32_t r = 0;
    for (int i = 0; i < 4; ++i) r |= pick(both, c >> 4 * i & 15) << 8 * i;
    return r;
  }
};
// The modes of prmt choose four bytes by the low two bits of c.
template <int Mode>
struct PrmtMode {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    static constexpr uint16_t table[6][4] = {{0x3210, 0x4321, 0x5432, 0x6543},   // f4e
                                             {0x5670, 0x6701, 0x7012, 0x0123},   // b4e
                                             {0x0000, 0x1111, 0x2222, 0x3333},   // rc8
                                             {0x3210, 0x3211, 0x3222, 0x3333},   // ecl
                                             {0x0000, 0x1110, 0x2210, 0x3210},   // ecr
                                             {0x1010, 0x3232, 0x1010, 0x3232}};  // rc16
    return Prmt::apply(a, b, table[Mode][c & 3]);
  }
};

void lop3(Warp& w, const Instr& in, uint32_t mask) {
  const uint32_t *a = lanes<uint32_t>(w, in.a), *b = lanes<uint32_t>(w, in.b), *c = lanes<uint32_t>(w, in.c);
  uint32_t r[32] = {};
  for (uint32_t term = 0; term < 8; ++term) {
    if ((in.flags >> term & 1) == 0) continue;
    uint32_t na = (term & 4) != 0 ? 0 : ~0u, nb = (term & 2) != 0 ? 0 : ~0u, nc = (term & 1) != 0 ? 0 : ~0u;
    for (int i = 0; i < 32; ++i) r[i] |= (a[i] ^ na) & (b[i] ^ nb) & (c[i] ^ nc);
  }
  store(lanes<uint32_t>(w, in.d), r, mask);
}

template <class F>
void predicateLogic(Warp& w, const Instr& in, uint32_t mask) {
  setPredicate(w, in.d, F::apply(predicate(w, in.a), predicate(w, in.b)), mask);
}
void predicateNot(Warp& w, const Instr& in, uint32_t mask) {
  setPredicate(w, in.d, ~predicate(w, in.a), mask);
}

// add/sub/mad with the carry flag: flags bit 0 reads it, bit 1 writes it. The PTX manual says that a
// subtraction leaves its borrow there; the hardware leaves the carry of a + ~b + 1, its opposite, and what
// nvcc emits for 128-bit division reads it by addc.
template <class T, class Wide>
void chain(Warp& w, uint32_t mask, uint32_t flags, bool subtract, const T* a, const T* b, T* d) {
  uint32_t carries = registersOf(w).carry;
  for (int i = 0; i < 32; ++i) {
    if ((mask >> i & 1) == 0) continue;
    T addend = subtract ? static_cast<T>(~b[i]) : b[i];
    Wide in = (flags & 1) != 0 ? carries >> i & 1 : subtract ? 1 : 0;
    Wide sum = Wide{a[i]} + addend + in;
    d[i] = static_cast<T>(sum);
    uint32_t out = static_cast<uint32_t>(sum >> kWidth<T>) & 1;
    if ((flags & 2) != 0) carries = (carries & ~(1u << i)) | out << i;
  }
  registersOf(w).carry = carries;
}
template <class T, class Wide, bool Subtract>
void carryAdd(Warp& w, const Instr& in, uint32_t mask) {
  chain<T, Wide>(w, mask, in.flags, Subtract, lanes<T>(w, in.a), lanes<T>(w, in.b), lanes<T>(w, in.d));
}
template <class T, class Wide, class Signed, class SignedWide, bool High>
void carryMad(Warp& w, const Instr& in, uint32_t mask) {
  const T *a = lanes<T>(w, in.a), *b = lanes<T>(w, in.b);
  T product[32];
  for (int i = 0; i < 32; ++i) {
    SignedWide full = static_cast<SignedWide>(static_cast<Signed>(a[i])) * static_cast<Signed>(b[i]);
    product[i] = static_cast<T>(High ? full >> kWidth<T> : full);
  }
  chain<T, Wide>(w, mask, in.flags, false, product, lanes<T>(w, in.c), lanes<T>(w, in.d));
}

template <class T>
void addLogic(Registry& r, const std::string& t) {
  r["and." + t] = binary<T, T, T, And>;
  r["or." + t] = binary<T, T, T, Or>;
  r["xor." + t] = binary<T, T, T, Xor>;
  r["not." + t] = unary<T, T, Not>;
  r["cnot." + t] = unary<T, T, Cnot>;
  r["shl." + t] = binary<T, T, uint32_t, Shl>;
}
template <class T>
void addShift(Registry& r, const std::string& t) {
  r["shr." + t] = binary<T, T, uint32_t, Shr>;
}
template <class T>
void addFields(Registry& r, const std::string& t) {
  r["bfind." + t] = unary<uint32_t, T, Bfind>;
  r["bfind.shiftamt." + t] = unary<uint32_t, T, BfindShift>;
  r["bfe." + t] = ternary<T, T, uint32_t, uint32_t, Bfe>;
}
template <class T>
void addCounts(Registry& r, const std::string& t) {
  r["popc." + t] = unary<uint32_t, T, Popc>;
  r["clz." + t] = unary<uint32_t, T, Clz>;
  r["brev." + t] = unary<T, T, Brev>;
  r["bfi." + t] = quaternary<T, T, T, uint32_t, uint32_t, Bfi>;
}
template <class U, class F>
void addThree(Registry& r, const std::string& name) {
  r[name] = ternary<U, U, U, U, F>;
}
template <class T, class Wide, class Signed, class SignedWide>
void addMadCarry(Registry& r, const std::string& t) {
  r["madcc.lo." + t] = carryMad<T, Wide, Signed, SignedWide, false>;
  r["madcc.hi." + t] = carryMad<T, Wide, Signed, SignedWide, true>;
}

}  // namespace

void addCarry(Registry& r) {
  for (const char* t : {"u32", "s32"}) {
    r[std::string("addcc.") + t] = carryAdd<uint32_t, uint64_t, false>;
    r[std::string("subcc.") + t] = carryAdd<uint32_t, uint64_t, true>;
  }
  for (const char* t : {"u64", "s64"}) {
    r[std::string("addcc.") + t] = carryAdd<uint64_t, unsigned __int128, false>;
    r[std::string("subcc.") + t] = carryAdd<uint64_t, unsigned __int128, true>;
  }
  addMadCarry<uint32_t, uint64_t, uint32_t, uint64_t>(r, "u32");
  addMadCarry<uint32_t, uint64_t, int32_t, int64_t>(r, "s32");
  addMadCarry<uint64_t, unsigned __int128, uint64_t, unsigned __int128>(r, "u64");
  addMadCarry<uint64_t, unsigned __int128, int64_t, __int128>(r, "s64");
}

void addBits(Registry& r) {
  addLogic<uint16_t>(r, "b16");
  addLogic<uint32_t>(r, "b32");
  addLogic<uint64_t>(r, "b64");
  r["and.pred"] = predicateLogic<And>;
  r["or.pred"] = predicateLogic<Or>;
  r["xor.pred"] = predicateLogic<Xor>;
  r["not.pred"] = predicateNot;
  addShift<uint16_t>(r, "b16"), addShift<uint32_t>(r, "b32"), addShift<uint64_t>(r, "b64");
  addShift<uint16_t>(r, "u16"), addShift<uint32_t>(r, "u32"), addShift<uint64_t>(r, "u64");
  addShift<int16_t>(r, "s16"), addShift<int32_t>(r, "s32"), addShift<int64_t>(r, "s64");
  addFields<uint32_t>(r, "u32"), addFields<int32_t>(r, "s32");
  addFields<uint64_t>(r, "u64"), addFields<int64_t>(r, "s64");
  addCounts<uint32_t>(r, "b32"), addCounts<uint64_t>(r, "b64");
  r["bmsk.clamp.b32"] = binary<uint32_t, uint32_t, uint32_t, Bmsk::Of<true>>;
  r["bmsk.wrap.b32"] = binary<uint32_t, uint32_t, uint32_t, Bmsk::Of<false>>;
  r["szext.clamp.u32"] = binary<uint32_t, uint32_t, uint32_t, Szext<true, false>>;
  r["szext.clamp.s32"] = binary<uint32_t, uint32_t, uint32_t, Szext<true, true>>;
  r["szext.wrap.u32"] = binary<uint32_t, uint32_t, uint32_t, Szext<false, false>>;
  r["szext.wrap.s32"] = binary<uint32_t, uint32_t, uint32_t, Szext<false, true>>;
  r["fns.b32"] = ternary<uint32_t, uint32_t, uint32_t, int32_t, Fns>;
  addThree<uint32_t, Funnel<true, true>>(r, "shf.l.clamp.b32");
  addThree<uint32_t, Funnel<true, false>>(r, "shf.l.wrap.b32");
  addThree<uint32_t, Funnel<false, true>>(r, "shf.r.clamp.b32");
  addThree<uint32_t, Funnel<false, false>>(r, "shf.r.wrap.b32");
  addThree<uint32_t, Prmt>(r, "prmt.b32");
  addThree<uint32_t, PrmtMode<0>>(r, "prmt.b32.f4e");
  addThree<uint32_t, PrmtMode<1>>(r, "prmt.b32.b4e");
  addThree<uint32_t, PrmtMode<2>>(r, "prmt.b32.rc8");
  addThree<uint32_t, PrmtMode<3>>(r, "prmt.b32.ecl");
  addThree<uint32_t, PrmtMode<4>>(r, "prmt.b32.ecr");
  addThree<uint32_t, PrmtMode<5>>(r, "prmt.b32.rc16");
  r["lop3.b32"] = lop3;
}

}  // namespace softcuda::SOFTCUDA_LANES
