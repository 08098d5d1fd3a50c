// Moves between registers of different widths, clocks, tests of address spaces.
#include <chrono>
#include <cstring>

#include "execute/handlers.h"
#include "execute/launch.h"

namespace softcuda {

void packLanes(Warp& w, const Instr& in, uint32_t mask) {
  const auto& pack = static_cast<const PackDetail&>(*in.detail);
  unsigned stride = pack.partBytes < 2 ? 2 : pack.partBytes;
  for (int lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1) == 0) continue;
    std::byte whole[16];
    for (size_t i = 0; i < pack.parts.size(); ++i)
      std::memcpy(whole + i * pack.partBytes, lanes<std::byte>(w, pack.parts[i]) + lane * stride,
                  pack.partBytes);
    std::memcpy(lanes<std::byte>(w, in.d) + lane * pack.wholeBytes, whole, pack.wholeBytes);
  }
}

void unpackLanes(Warp& w, const Instr& in, uint32_t mask) {
  const auto& pack = static_cast<const PackDetail&>(*in.detail);
  unsigned stride = pack.partBytes < 2 ? 2 : pack.partBytes;
  for (int lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1) == 0) continue;
    std::byte whole[16];
    std::memcpy(whole, lanes<std::byte>(w, in.a) + lane * pack.wholeBytes, pack.wholeBytes);
    for (size_t i = 0; i < pack.parts.size(); ++i) {
      if (pack.parts[i] == kNoRef) continue;
      std::byte part[8] = {};
      std::memcpy(part, whole + i * pack.partBytes, pack.partBytes);
      std::memcpy(lanes<std::byte>(w, pack.parts[i]) + lane * stride, part, stride);
    }
  }
}

void moveWide(Warp& w, const Instr& in, uint32_t mask) {
  for (int lane = 0; lane < 32; ++lane)
    if ((mask >> lane & 1) != 0)
      std::memcpy(lanes<std::byte>(w, in.d) + 16 * lane, lanes<std::byte>(w, in.a) + 16 * lane, 16);
}

// Time is counted in instructions of the warp, four nanoseconds each: it passes, and runs repeat.
static uint64_t clockOf(const Warp& w) { return 4 * w.executed; }

void readClock32(Warp& w, const Instr& in, uint32_t mask) {
  uint32_t now = static_cast<uint32_t>(clockOf(w) >> (in.flags != 0 ? 32 : 0));
  for (int lane = 0; lane < 32; ++lane)
    if ((mask >> lane & 1) != 0) lanes<uint32_t>(w, in.d)[lane] = now;
}

void readClock64(Warp& w, const Instr& in, uint32_t mask) {
  for (int lane = 0; lane < 32; ++lane)
    if ((mask >> lane & 1) != 0) lanes<uint64_t>(w, in.d)[lane] = clockOf(w);
}

void testSpace(Warp& w, const Instr& in, uint32_t mask) {
  uint32_t result = 0;
  ptx::Space wanted = static_cast<ptx::Space>(in.flags);
  for (int lane = 0; lane < 32; ++lane) {
    ptx::Space space = window::spaceOf(lanes<uint64_t>(w, in.a)[lane]);
    bool same = space == wanted || (space == ptx::Space::kernelParam && wanted == ptx::Space::param);
    result |= static_cast<uint32_t>(same) << lane;
  }
  setPredicate(w, in.d, result, mask);
}

}  // namespace softcuda
