// Integer instructions against plain C++.
#include <algorithm>
#include <cstdlib>

#include "engine_instruction.h"

namespace softcuda::test {
namespace {

using U16 = uint16_t;
using U32 = uint32_t;
using U64 = uint64_t;
using S16 = int16_t;
using S32 = int32_t;
using S64 = int64_t;

template <class D, class A = D, class B = A, class C = A, class F>
void check(const std::string& code, F expected) {
  auto type = [](size_t bytes) { return "b" + std::to_string(8 * bytes); };
  compare<D, A, B, C>(code, type(sizeof(D)), type(sizeof(A)), type(sizeof(B)), type(sizeof(C)), expected);
}

template <class T>
T wrapAdd(T a, T b) {
  return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) + static_cast<std::make_unsigned_t<T>>(b));
}

TEST(IntegerInstructions, AddSubtractAndMultiplyWrap) {
  check<U32>("add.u32 %d, %a, %b;", [](U32 a, U32 b, U32) { return a + b; });
  check<S32>("sub.s32 %d, %a, %b;",
             [](S32 a, S32 b, S32) { return static_cast<S32>(static_cast<U32>(a) - static_cast<U32>(b)); });
  check<U16>("add.u16 %d, %a, %b;", [](U16 a, U16 b, U16) { return static_cast<U16>(a + b); });
  check<U64>("mul.lo.u64 %d, %a, %b;", [](U64 a, U64 b, U64) { return a * b; });
  check<U64>("mul.hi.u64 %d, %a, %b;",
             [](U64 a, U64 b, U64) { return static_cast<U64>(static_cast<unsigned __int128>(a) * b >> 64); });
  check<S32>("mul.hi.s32 %d, %a, %b;",
             [](S32 a, S32 b, S32) { return static_cast<S32>(static_cast<S64>(a) * b >> 32); });
  check<S64, S32>("mul.wide.s32 %d, %a, %b;", [](S32 a, S32 b, S32) { return static_cast<S64>(a) * b; });
  check<U32, U16>("mul.wide.u16 %d, %a, %b;", [](U16 a, U16 b, U16) { return static_cast<U32>(a) * b; });
  check<S64, S32, S32, S64>("mad.wide.s32 %d, %a, %b, %c;",
                            [](S32 a, S32 b, S64 c) { return wrapAdd<S64>(static_cast<S64>(a) * b, c); });
  check<U32>("mad.lo.u32 %d, %a, %b, %c;", [](U32 a, U32 b, U32 c) { return a * b + c; });
  check<U32>("mul24.lo.u32 %d, %a, %b;", [](U32 a, U32 b, U32) { return (a & 0xffffff) * (b & 0xffffff); });
  check<U32>("sad.u32 %d, %a, %b, %c;", [](U32 a, U32 b, U32 c) { return (a > b ? a - b : b - a) + c; });
}

TEST(IntegerInstructions, SaturateWhereAsked) {
  check<S32>("add.sat.s32 %d, %a, %b;", [](S32 a, S32 b, S32) {
    S64 sum = static_cast<S64>(a) + b;
    return static_cast<S32>(std::min<S64>(std::max<S64>(sum, INT32_MIN), INT32_MAX));
  });
}

TEST(IntegerInstructions, DivideTowardZero) {
  check<S32>("setp.eq.s32 %p0, %b, 0; selp.b32 %b, 7, %b, %p0; div.s32 %d, %a, %b;", [](S32 a, S32 b, S32) {
    b = b == 0 ? 7 : b;
    return static_cast<S32>(static_cast<S64>(a) / b);
  });
  check<U64>("or.b64 %b, %b, 1; rem.u64 %d, %a, %b;", [](U64 a, U64 b, U64) { return a % (b | 1); });
}

TEST(IntegerInstructions, ShiftsClampTheirCount) {
  check<U32>("shl.b32 %d, %a, %b;", [](U32 a, U32 b, U32) { return b > 31 ? 0 : a << b; });
  check<S32, S32, U32>("shr.s32 %d, %a, %b;", [](S32 a, U32 b, S32) { return a >> std::min(b, 31u); });
  check<U64, U64, U32>("shr.u64 %d, %a, %b;", [](U64 a, U32 b, U64) { return b > 63 ? 0 : a >> b; });
  check<U32>("shf.l.wrap.b32 %d, %a, %b, %c;", [](U32 a, U32 b, U32 c) {
    return static_cast<U32>((static_cast<U64>(b) << 32 | a) << (c & 31) >> 32);
  });
  check<U32>("shf.r.clamp.b32 %d, %a, %b, %c;", [](U32 a, U32 b, U32 c) {
    return static_cast<U32>((static_cast<U64>(b) << 32 | a) >> std::min(c, 32u));
  });
}

TEST(IntegerInstructions, FieldsAndCounts) {
  check<U32>("popc.b32 %d, %a;", [](U32 a, U32, U32) { return static_cast<U32>(__builtin_popcount(a)); });
  check<U32, U64>("clz.b64 %d, %a;",
                  [](U64 a, U64, U64) { return a == 0 ? 64u : static_cast<U32>(__builtin_clzll(a)); });
  check<U32>("brev.b32 %d, %a;", [](U32 a, U32, U32) {
    U32 r = 0;
    for (int i = 0; i < 32; ++i) r |= (a >> i & 1) << (31 - i);
    return r;
  });
  check<U32>("bfind.u32 %d, %a;",
             [](U32 a, U32, U32) { return a == 0 ? ~0u : 31u - static_cast<U32>(__builtin_clz(a)); });
  check<U32, S32>("bfind.shiftamt.s32 %d, %a;", [](S32 a, S32, S32) {
    U32 bits = static_cast<U32>(a < 0 ? ~a : a);
    return bits == 0 ? ~0u : static_cast<U32>(__builtin_clz(bits));
  });
  // The manual's pseudocode, bit by bit.
  check<S32, S32, U32, U32>("bfe.s32 %d, %a, %b, %c;", [](S32 a, U32 b, U32 c) {
    U32 pos = b & 0xff, len = c & 0xff, d = 0;
    bool sbit = len != 0 && (a >> std::min(pos + len - 1, 31u) & 1) != 0;
    for (U32 i = 0; i < 32; ++i) {
      bool bit = i < len && pos + i <= 31 ? (a >> (pos + i) & 1) != 0 : sbit;
      d |= static_cast<U32>(bit) << i;
    }
    return static_cast<S32>(d);
  });
  check<U64, U64, U32, U32>("bfe.u64 %d, %a, %b, %c;", [](U64 a, U32 b, U32 c) {
    U32 pos = b & 0xff, len = c & 0xff;
    U64 d = 0;
    for (U32 i = 0; i < len && pos + i <= 63 && i < 64; ++i) d |= (a >> (pos + i) & 1) << i;
    return d;
  });
  check<U32>("bfi.b32 %d, %a, %b, %c, 9;", [](U32 a, U32 b, U32 c) {
    U32 pos = c & 0xff, d = b;
    for (U32 i = 0; i < 9 && pos + i <= 31; ++i) d = (d & ~(1u << (pos + i))) | (a >> i & 1) << (pos + i);
    return d;
  });
}

TEST(IntegerInstructions, Logic) {
  check<U32>("lop3.b32 %d, %a, %b, %c, 0x96;", [](U32 a, U32 b, U32 c) { return a ^ b ^ c; });
  check<U32>("lop3.b32 %d, %a, %b, %c, 0xe8;",
             [](U32 a, U32 b, U32 c) { return (a & b) | (a & c) | (b & c); });
  check<U32>("cnot.b32 %d, %a;", [](U32 a, U32, U32) { return a == 0 ? 1u : 0u; });
  check<U32>("prmt.b32 %d, %a, %b, %c;", [](U32 a, U32 b, U32 c) {
    U64 both = static_cast<U64>(b) << 32 | a;
    U32 d = 0;
    for (int i = 0; i < 4; ++i) {
      U32 sel = c >> 4 * i & 15, byte = static_cast<U32>(both >> 8 * (sel & 7)) & 0xff;
      if ((sel & 8) != 0) byte = (byte & 0x80) != 0 ? 0xff : 0;
      d |= byte << 8 * i;
    }
    return d;
  });
}

TEST(IntegerInstructions, DotProducts) {
  check<S32>("dp4a.s32.u32 %d, %a, %b, %c;", [](S32 a, S32 b, S32 c) {
    U32 sum = static_cast<U32>(c);
    for (int i = 0; i < 4; ++i)
      sum += static_cast<U32>(static_cast<int8_t>(a >> 8 * i) * static_cast<uint8_t>(b >> 8 * i));
    return static_cast<S32>(sum);
  });
  check<S32>("dp2a.hi.s32.s32 %d, %a, %b, %c;", [](S32 a, S32 b, S32 c) {
    U32 sum = static_cast<U32>(c);
    for (int i = 0; i < 2; ++i)
      sum += static_cast<U32>(static_cast<S16>(a >> 16 * i) * static_cast<int8_t>(b >> (16 + 8 * i)));
    return static_cast<S32>(sum);
  });
}

TEST(IntegerInstructions, FieldsOfARegisterOneByOne) {
  check<U32>("vabsdiff4.u32.u32.u32.add %d, %a, %b, %c;", [](U32 a, U32 b, U32 c) {
    for (int i = 0; i < 32; i += 8)
      c += static_cast<U32>(std::abs(static_cast<int>(a >> i & 0xff) - static_cast<int>(b >> i & 0xff)));
    return c;
  });
  check<U32>("vadd2.s32.s32.s32.sat %d, %a, %b, %c;", [](U32 a, U32 b, U32) {
    auto sum = [](U32 x, U32 y) {
      int s = static_cast<S16>(x) + static_cast<S16>(y);
      return static_cast<U32>(static_cast<uint16_t>(std::min(std::max(s, -32768), 32767)));
    };
    return sum(a >> 16, b >> 16) << 16 | sum(a, b);
  });
  check<U32>("max.s16x2 %d, %a, %b;", [](U32 a, U32 b, U32) {
    auto most = [](U32 x, U32 y) {
      return static_cast<U32>(static_cast<uint16_t>(std::max(static_cast<S16>(x), static_cast<S16>(y))));
    };
    return most(a >> 16, b >> 16) << 16 | most(a, b);
  });
}

TEST(IntegerInstructions, CarriesLinkTwoHalves) {
  check<U64>(
      ".reg .b32 %x<8>; mov.b64 {%x0, %x1}, %a; mov.b64 {%x2, %x3}, %b; add.cc.u32 %x4, %x0, %x2; addc.u32 "
      "%x5, %x1, %x3; mov.b64 %d, {%x4, %x5};",
      [](U64 a, U64 b, U64) { return a + b; });
  check<U64>(
      ".reg .b32 %x<8>; mov.b64 {%x0, %x1}, %a; mov.b64 {%x2, %x3}, %b; sub.cc.u32 %x4, %x0, %x2; subc.u32 "
      "%x5, %x1, %x3; mov.b64 %d, {%x4, %x5};",
      [](U64 a, U64 b, U64) { return a - b; });
  check<U64>(
      ".reg .b32 %x<8>; mov.b64 {%x0, %x1}, %a; mov.b64 {%x2, %x3}, %b; mul.lo.u32 %x4, %x0, %x2; mul.hi.u32 "
      "%x5, %x0, %x2;"
      "mad.lo.cc.u32 %x5, %x0, %x3, %x5; madc.hi.u32 %x6, %x0, %x3, 0; mad.lo.u32 %x5, %x1, %x2, %x5; "
      "mov.b64 %d, {%x4, %x5};",
      [](U64 a, U64 b, U64) { return a * b; });
}

TEST(IntegerInstructions, ComparisonsCombineWithAPredicate) {
  check<U32, S32>(
      "setp.lt.s32 %p1, %c, 0; setp.le.and.s32 %p2|%p3, %a, %b, %p1; selp.u32 %d, 1, 0, %p2; selp.u32 %r3, "
      "2, 0, %p3; or.b32 %d, %d, %r3;",
      [](S32 a, S32 b, S32 c) { return (a <= b && c < 0 ? 1u : 0u) | (!(a <= b) && c < 0 ? 2u : 0u); });
  check<U32>("setp.hi.u32 %p1, %c, %b; setp.ne.xor.u32 %p2, %a, %b, !%p1; selp.u32 %d, 1, 0, %p2;",
             [](U32 a, U32 b, U32 c) { return (a != b) != !(c > b) ? 1u : 0u; });
  check<U32, S64>("set.ge.u32.s64 %d, %a, %b;", [](S64 a, S64 b, S64) { return a >= b ? ~0u : 0u; });
  check<S32>("slct.s32.s32 %d, %a, %b, %c;", [](S32 a, S32 b, S32 c) { return c >= 0 ? a : b; });
}

}  // namespace
}  // namespace softcuda::test
