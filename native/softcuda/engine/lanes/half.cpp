// f16 and bf16 arithmetic, one by one and in pairs: in float, rounded once to the format.
#include "execute/narrow.h"
#include "lanes/floats.h"

namespace softcuda::SOFTCUDA_LANES {
namespace {

struct F16 {
  static float widen(uint16_t h) { return f16ToFloat(h); }
  static uint16_t narrow(float f) { return floatToF16(f); }
  static constexpr uint16_t tiny = 0x0400, sign = 0x8000;
  static constexpr int digits = 11, lowest = -24;
};
struct Bf16 {
  static float widen(uint16_t h) { return bf16ToFloat(h); }
  static uint16_t narrow(float f) { return floatToBf16(f); }
  static constexpr uint16_t tiny = 0x0080, sign = 0x8000;
  static constexpr int digits = 8, lowest = -133;
};

// A double to float rounded to odd: the narrower rounding that follows is then as good as the only one.
float roundOdd(double exact) {
  float f = static_cast<float>(exact);
  double back = f;
  if (back == exact || exact != exact || std::isinf(f)) return f;
  uint32_t bits = floatToBits(f);
  if (std::fabs(back) > std::fabs(exact)) --bits;
  return bitsToFloat(bits | 1);
}

// Sums and products of two halves are exact in double; an fma of halves may round in double, to odd.
double fmaOdd(double a, double b, double c) {
  double product = a * b;  // exact: at most 22 digits
  double sum = product + c;
  double virtualC = sum - product;
  double error = (product - (sum - virtualC)) + (c - virtualC);
  if (error == 0 || std::isinf(sum) || sum != sum) return sum;
  uint64_t bits;
  std::memcpy(&bits, &sum, 8);
  if ((bits & 1) == 0) {
    bool away = (error < 0) != (sum < 0);
    bits = away ? (bits - 1) | 1 : bits | 1;
    std::memcpy(&sum, &bits, 8);
  }
  return sum;
}

enum class Op { add, sub, mul, fma, min, max, neg, abs, ex2, tanh };

template <class H>
uint16_t flushHalf(uint16_t h) {
  return (h & 0x7fff) < H::tiny ? static_cast<uint16_t>(h & 0x8000) : h;
}

template <class H>
uint16_t extremeOf(uint16_t a, uint16_t b, bool least, uint32_t flags) {
  float x = H::widen(a), y = H::widen(b);
  if ((flags & flag::nan) != 0 && (x != x || y != y)) return 0x7fff;
  uint16_t cross = (flags & flag::xorsignAbs) != 0 ? static_cast<uint16_t>((a ^ b) & 0x8000) : 0;
  if ((flags & flag::xorsignAbs) != 0) x = std::fabs(x), y = std::fabs(y);
  float r = least ? minimum(x, y) : maximum(x, y);
  return r != r ? 0x7fff : static_cast<uint16_t>(H::narrow(r) ^ cross);
}

template <class H, Op O>
uint16_t one(uint16_t a, uint16_t b, uint16_t c, uint32_t flags) {
  if constexpr (O == Op::neg)
    return static_cast<uint16_t>(((flags & flag::ftz) != 0 ? flushHalf<H>(a) : a) ^ 0x8000);
  if constexpr (O == Op::abs)
    return static_cast<uint16_t>(((flags & flag::ftz) != 0 ? flushHalf<H>(a) : a) & 0x7fff);
  bool ftz = (flags & flag::ftz) != 0;
  if (ftz) a = flushHalf<H>(a), b = flushHalf<H>(b), c = flushHalf<H>(c);
  if constexpr (O == Op::min || O == Op::max) return extremeOf<H>(a, b, O == Op::min, flags);
  double x = H::widen(a), y = H::widen(b), z = H::widen(c), r = 0;
  if constexpr (O == Op::add) r = x + y;
  if constexpr (O == Op::sub) r = x - y;
  if constexpr (O == Op::mul) r = x * y;
  if constexpr (O == Op::fma) r = fmaOdd(x, y, z);
  if constexpr (O == Op::ex2) r = std::exp2(x);
  if constexpr (O == Op::tanh) r = std::tanh(x);
  float f = roundOdd(r);
  if ((flags & flag::sat) != 0) f = saturate(f);
  if ((flags & flag::relu) != 0 && !(f != f)) f = f > 0 ? f : 0.0f;
  uint16_t h = H::narrow(f);
  return ftz ? flushHalf<H>(h) : h;
}

template <class H, Op O, class Word>
void half(Warp& w, const Instr& in, uint32_t mask) {
  const Word* a = lanes<Word>(w, in.a);
  const Word* b = in.b == kNoRef ? a : lanes<Word>(w, in.b);
  const Word* c = in.c == kNoRef ? a : lanes<Word>(w, in.c);
  bool third = (O == Op::min || O == Op::max) && in.c != kNoRef;
  for (uint32_t left = mask; left != 0; left &= left - 1) {
    int i = __builtin_ctz(left);
    Word r = 0;
    for (unsigned shift = 0; shift < 8 * sizeof(Word); shift += 16) {
      auto part = [&](Word v) { return static_cast<uint16_t>(v >> shift); };
      uint16_t h = one<H, O>(part(a[i]), part(b[i]), part(c[i]), in.flags);
      if (third) h = one<H, O>(h, part(c[i]), 0, in.flags);
      r |= static_cast<Word>(static_cast<Word>(h) << shift);
    }
    lanes<Word>(w, in.d)[i] = r;
  }
}

template <class H, Op O>
void addOp(Registry& r, const std::string& name, const std::string& t) {
  r[name + "." + t] = half<H, O, uint16_t>;
  r[name + "." + t + "x2"] = half<H, O, uint32_t>;
}
template <class H>
void addFormat(Registry& r, const std::string& t) {
  addOp<H, Op::add>(r, "add", t), addOp<H, Op::sub>(r, "sub", t), addOp<H, Op::mul>(r, "mul", t);
  addOp<H, Op::fma>(r, "fma", t), addOp<H, Op::min>(r, "min", t), addOp<H, Op::max>(r, "max", t);
  addOp<H, Op::neg>(r, "neg", t), addOp<H, Op::abs>(r, "abs", t);
  addOp<H, Op::ex2>(r, "ex2", t), addOp<H, Op::tanh>(r, "tanh", t);
}

}  // namespace

void addHalves(Registry& r) {
  addFormat<F16>(r, "f16");
  addFormat<Bf16>(r, "bf16");
}

}  // namespace softcuda::SOFTCUDA_LANES
