// The registers of the function that a warp is in, as handlers see them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "program/program.h"

namespace softcuda {

// What every Warp begins with: the files of lanes/ know no more of it.
struct Registers {
  std::byte* bank[2] = {nullptr, nullptr};  // the current frame's registers, the current function's constants
  uint32_t carry = 0;                       // CC.CF of each lane
};

// A Warp's first base is its Registers, at its very address.
inline Registers& registersOf(Warp& w) { return reinterpret_cast<Registers&>(w); }

template <class T>
inline T* lanes(Warp& w, Ref ref) {
  return reinterpret_cast<T*>(registersOf(w).bank[ref >> 31] + (ref & ~(kConstant | kNegated)));
}

inline uint32_t predicate(Warp& w, Ref ref) {
  uint32_t value = *lanes<uint32_t>(w, ref);
  return (ref & kNegated) != 0 ? ~value : value;
}

inline void setPredicate(Warp& w, Ref ref, uint32_t value, uint32_t mask) {
  if (ref == kNoRef) return;
  uint32_t& p = *lanes<uint32_t>(w, ref);
  p = (p & ~mask) | (value & mask);
}

}  // namespace softcuda
