// How a warp's accesses find their bytes: address spaces, bounds, alignment, checkers, counters.
#pragma once

#include "execute/launch.h"
#include "program/details.h"

namespace softcuda {

enum class Use : uint8_t { load, store, atomic };

// One access of the lanes of `mask`, all in one address space.
struct Access {
  Access(Warp& warp, const MemoryDetail& how, ptx::Space where, Use what, uint32_t who, unsigned size)
      : w(warp), detail(how), space(where), use(what), mask(who), bytes(size) {}
  Warp& w;
  const MemoryDetail& detail;
  ptx::Space space;
  Use use;
  uint32_t mask;
  unsigned bytes;                     // of a lane
  uint64_t address[32];               // within the space; of inactive lanes: anything
  const std::byte* values = nullptr;  // of a store: what each lane writes, 16 bytes a lane
  Ref into = kNoRef;                  // of a fragment: the register that the bytes are of
  uint32_t written = 0;               // lanes whose write the race checker has seen
  uint32_t distinct = 0;  // active lanes but those that repeat an address of an earlier one (not all of them)
  bool contiguous = false;  // all 32 lanes, one behind the other
  bool uniform = false;     // all active lanes at one address
  std::byte* host[32];      // where the bytes lie
};

// The addresses of an instruction's lanes.
void addressesOf(Warp& w, const MemoryDetail& detail, uint32_t mask, uint64_t* address);
// Fills `host` and runs every check. Throws LaunchFault.
void resolve(Access& access);
// Calls `each` for the lanes of each address space that the generic addresses lead to.
template <class F>
void bySpace(Warp& w, const MemoryDetail& detail, uint32_t mask, const uint64_t* address, F each) {
  if (detail.space != ptx::Space::generic) {
    each(detail.space == ptx::Space::constant ? ptx::Space::global : detail.space, mask);
    return;
  }
  (void)w;
  uint32_t left = mask;
  while (left != 0) {
    ptx::Space space = window::spaceOf(address[__builtin_ctz(left)]);
    uint32_t same = 0;
    for (uint32_t rest = left; rest != 0; rest &= rest - 1) {
      int lane = __builtin_ctz(rest);
      if (window::spaceOf(address[lane]) == space) same |= 1u << lane;
    }
    each(space, same);
    left &= ~same;
  }
}
// The byte behind a generic address, for the engine's own reads.
const std::byte* genericByte(Warp& w, int lane, uint64_t address);

}  // namespace softcuda
