// SIMD within a register: vadd, vsub, vavrg, vabsdiff, vmin, vmax over two halves or four bytes.
#include "lanes/lanes.h"

namespace softcuda::SOFTCUDA_LANES {
namespace {

enum class Op { add, sub, avrg, absdiff, min, max };

// A field of the word, 33 bits wide as the manual has it.
int64_t field(uint32_t word, unsigned index, unsigned bits, bool isSigned) {
  uint32_t value = word >> index * bits & ((1u << bits) - 1);
  bool negative = isSigned && (value >> (bits - 1) & 1) != 0;
  return negative ? static_cast<int64_t>(value) - (int64_t{1} << bits) : value;
}

int64_t resultOf(Op op, int64_t a, int64_t b) {
  switch (op) {
    case Op::add:
      return a + b;
    case Op::sub:
      return a - b;
    case Op::avrg:
      return (a + b + (a + b >= 0 ? 1 : 0)) >> 1;
    case Op::absdiff:
      return a > b ? a - b : b - a;
    case Op::min:
      return a < b ? a : b;
    default:
      return a > b ? a : b;
  }
}

// Instr::flags: signs of d, a, b in bits 0-2; bit 3 saturates, bit 4 adds the fields to c.
template <Op O, unsigned Bits>
void video(Warp& w, const Instr& in, uint32_t mask) {
  const uint32_t *a = lanes<uint32_t>(w, in.a), *b = lanes<uint32_t>(w, in.b), *c = lanes<uint32_t>(w, in.c);
  bool isSigned = (in.flags & 1) != 0;
  int64_t least = isSigned ? -(int64_t{1} << (Bits - 1)) : 0;
  int64_t most = isSigned ? (int64_t{1} << (Bits - 1)) - 1 : (int64_t{1} << Bits) - 1;
  uint32_t r[32];
  for (int lane = 0; lane < 32; ++lane) {
    uint32_t word = 0, sum = c[lane];
    for (unsigned i = 0; i < 32 / Bits; ++i) {
      int64_t value = resultOf(O, field(a[lane], i, Bits, (in.flags & 2) != 0),
                               field(b[lane], i, Bits, (in.flags & 4) != 0));
      if ((in.flags & 8) != 0) value = value < least ? least : value > most ? most : value;
      sum += static_cast<uint32_t>(value);
      word |= (static_cast<uint32_t>(value) & ((1u << Bits) - 1)) << i * Bits;
    }
    r[lane] = (in.flags & 16) != 0 ? sum : word;
  }
  store(lanes<uint32_t>(w, in.d), r, mask);
}

template <Op O>
void add(Registry& r, const std::string& name) {
  r[name + "2"] = video<O, 16>;
  r[name + "4"] = video<O, 8>;
}

}  // namespace

void addVideo(Registry& r) {
  add<Op::add>(r, "vadd");
  add<Op::sub>(r, "vsub");
  add<Op::avrg>(r, "vavrg");
  add<Op::absdiff>(r, "vabsdiff");
  add<Op::min>(r, "vmin");
  add<Op::max>(r, "vmax");
}

}  // namespace softcuda::SOFTCUDA_LANES
