// atom and red: lane after lane, each indivisible.
#include <cmath>
#include <cstring>

#include "execute/access.h"
#include "execute/handlers.h"
#include "execute/narrow.h"

namespace softcuda {
namespace {

using ptx::Space;
using ptx::Type;
using Op = AtomicDetail::Op;

template <class F>
F floatResult(Op op, F a, F b) {
  if (op == Op::add) return a + b;
  if (a != a) return b;
  if (b != b) return a;
  return op == Op::min ? std::fmin(a, b) : std::fmax(a, b);
}

uint16_t halfResult(Op op, uint16_t a, uint16_t b, bool brain) {
  float r = floatResult(op, brain ? bf16ToFloat(a) : f16ToFloat(a), brain ? bf16ToFloat(b) : f16ToFloat(b));
  return brain ? floatToBf16(r) : floatToF16(r);
}

// What the operation leaves in memory, `old` and operands as raw bits of the type's width.
template <class U>
U resultOf(const AtomicDetail& how, U old, U a, U b) {
  using S = std::make_signed_t<U>;
  bool isSigned = ptx::isSigned(how.type) && !ptx::isFloat(how.type);
  switch (how.op) {
    case Op::exch:
      return a;
    case Op::cas:
      return old == a ? b : old;
    case Op::andBits:
      return old & a;
    case Op::orBits:
      return old | a;
    case Op::xorBits:
      return old ^ a;
    case Op::inc:
      return old >= a ? 0 : static_cast<U>(old + 1);
    case Op::dec:
      return old == 0 || old > a ? a : static_cast<U>(old - 1);
    default:
      break;
  }
  if constexpr (sizeof(U) == 8) {
    if (how.type == Type::f64) {
      double x, y;
      std::memcpy(&x, &old, 8), std::memcpy(&y, &a, 8);
      x = floatResult(how.op, x, y);
      std::memcpy(&old, &x, 8);
      return old;
    }
  }
  if constexpr (sizeof(U) == 4) {
    if (how.type == Type::f32) {
      float x, y;
      std::memcpy(&x, &old, 4), std::memcpy(&y, &a, 4);
      x = floatResult(how.op, x, y);
      std::memcpy(&old, &x, 4);
      return old;
    }
    if (how.type == Type::f16x2 || how.type == Type::bf16x2) {
      bool brain = how.type == Type::bf16x2;
      uint32_t low = halfResult(how.op, static_cast<uint16_t>(old), static_cast<uint16_t>(a), brain);
      uint32_t high =
          halfResult(how.op, static_cast<uint16_t>(old >> 16), static_cast<uint16_t>(a >> 16), brain);
      return high << 16 | low;
    }
  }
  if constexpr (sizeof(U) == 2)
    if (how.type == Type::f16 || how.type == Type::bf16)
      return halfResult(how.op, old, a, how.type == Type::bf16);
  if (how.op == Op::add) return static_cast<U>(old + a);
  bool less = isSigned ? static_cast<S>(a) < static_cast<S>(old) : a < old;
  return (how.op == Op::min) == less ? a : old;
}

template <class U>
U apply(const AtomicDetail& how, std::byte* memory, U a, U b) {
  U* at = reinterpret_cast<U*>(memory);
  U old = __atomic_load_n(at, __ATOMIC_SEQ_CST);
  for (;;) {
    U result = resultOf<U>(how, old, a, b);
    if (__atomic_compare_exchange_n(at, &old, result, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return old;
  }
}

template <class U>
void applyLanes(Access& access, const Instr& in) {
  const auto& how = static_cast<const AtomicDetail&>(access.detail);
  Warp& w = access.w;
  for (size_t k = 0; k < 32; ++k) {
    int lane = w.order[k];
    if ((access.mask >> lane & 1) == 0) continue;
    for (size_t i = 0; i < how.registers.size(); ++i) {
      U old = apply<U>(how, access.host[lane] + i * sizeof(U), lanes<U>(w, how.registers[i])[lane], U{0});
      if (i < how.results.size() && how.results[i] != kNoRef) lanes<U>(w, how.results[i])[lane] = old;
    }
    if (!how.registers.empty()) continue;
    U a = lanes<U>(w, in.a)[lane], b = in.b == kNoRef ? U{0} : lanes<U>(w, in.b)[lane];
    U old = apply<U>(how, access.host[lane], a, b);
    if (in.d != kNoRef) lanes<U>(w, in.d)[lane] = old;
  }
}

}  // namespace

void atomicAccess(Warp& w, const Instr& in, uint32_t mask) {
  const auto& detail = static_cast<const AtomicDetail&>(*in.detail);
  uint64_t address[32];
  addressesOf(w, detail, mask, address);
  bySpace(w, detail, mask, address, [&](Space space, uint32_t lanesThere) {
    Access access(w, detail, space, Use::atomic, lanesThere, detail.bytes());
    std::memcpy(access.address, address, sizeof address);
    resolve(access);
    if (detail.op == Op::cas || detail.op == Op::exch) ++w.polls, ++w.cta->polls;
    if (detail.width == 2)
      applyLanes<uint16_t>(access, in);
    else if (detail.width == 4)
      applyLanes<uint32_t>(access, in);
    else
      applyLanes<uint64_t>(access, in);
  });
}

}  // namespace softcuda
