// Loops over the 32 lanes of a warp. Every file of this folder is compiled once for any x86-64 and once for
// AVX2 with FMA (SOFTCUDA_LANES names the namespace); the registry picks the set that the machine can run.
#pragma once

#include <cmath>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>

#include "program/registers.h"

namespace softcuda {

// Handlers by canonical opcode: "add.s32", "mul.wide.u16". A '*' at the end marks the one that reads its
// modifiers from Instr::flags.
using Registry = std::unordered_map<std::string, Handler>;
// Those of the fastest instruction set that this machine has.
const Registry& registry();
Handler handlerNamed(const std::string& name);  // null: none

#ifdef SOFTCUDA_LANES
namespace SOFTCUDA_LANES {

void addIntegers(Registry&);
void addBits(Registry&);
void addCarry(Registry&);
void addFloats(Registry&);
void addDirected(Registry&);
void addHalves(Registry&);
void addComparisons(Registry&);
void addConversions(Registry&);
void addMoves(Registry&);
void addMatrices(Registry&);
void addVideo(Registry&);

template <class T>
inline void store(T* __restrict d, const T* __restrict r, uint32_t mask) {
  if (mask == ~0u) {
    std::memcpy(d, r, 32 * sizeof(T));
    return;
  }
  for (int i = 0; i < 32; ++i) d[i] = (mask >> i & 1) != 0 ? r[i] : d[i];
}

template <class D, class A, class F>
void unary(Warp& w, const Instr& in, uint32_t mask) {
  const A* a = lanes<A>(w, in.a);
  D r[32];
  for (int i = 0; i < 32; ++i) r[i] = F::apply(a[i]);
  store(lanes<D>(w, in.d), r, mask);
}

template <class D, class A, class B, class F>
void binary(Warp& w, const Instr& in, uint32_t mask) {
  const A* a = lanes<A>(w, in.a);
  const B* b = lanes<B>(w, in.b);
  D r[32];
  for (int i = 0; i < 32; ++i) r[i] = F::apply(a[i], b[i]);
  store(lanes<D>(w, in.d), r, mask);
}

template <class D, class A, class B, class C, class F>
void ternary(Warp& w, const Instr& in, uint32_t mask) {
  const A* a = lanes<A>(w, in.a);
  const B* b = lanes<B>(w, in.b);
  const C* c = lanes<C>(w, in.c);
  D r[32];
  for (int i = 0; i < 32; ++i) r[i] = F::apply(a[i], b[i], c[i]);
  store(lanes<D>(w, in.d), r, mask);
}

// Four sources; the fourth is Instr::e.
template <class D, class A, class B, class C, class E, class F>
void quaternary(Warp& w, const Instr& in, uint32_t mask) {
  const A* a = lanes<A>(w, in.a);
  const B* b = lanes<B>(w, in.b);
  const C* c = lanes<C>(w, in.c);
  const E* e = lanes<E>(w, in.e);
  D r[32];
  for (int i = 0; i < 32; ++i) r[i] = F::apply(a[i], b[i], c[i], e[i]);
  store(lanes<D>(w, in.d), r, mask);
}

// Bit i of the result is bytes[i] (0 or 1).
inline uint32_t packBits(const uint8_t* bytes) {
  uint32_t bits = 0;
  for (int i = 0; i < 4; ++i) {
    uint64_t eight;
    std::memcpy(&eight, bytes + 8 * i, 8);
    bits |= static_cast<uint32_t>(eight * 0x0102040810204080ull >> 56) << 8 * i;
  }
  return bits;
}

}  // namespace SOFTCUDA_LANES
#endif

}  // namespace softcuda
