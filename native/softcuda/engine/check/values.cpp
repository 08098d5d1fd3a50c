// Reads of bytes that nothing has written.
#include <cstring>

#include "check/checks.h"

namespace softcuda {
namespace {

using ptx::Space;

// The first byte from `first` on of a lane's access whose state is not "written"; -1: none. Elements whose
// register nothing reads do not count: the compiler loads padding together with what lies beside it.
int firstUnwritten(const Access& a, const uint8_t* state, unsigned first = 0) {
  const MemoryDetail& d = a.detail;
  bool byElement = a.use == Use::load && a.bytes == d.bytes() && d.registers.size() == d.count;
  for (unsigned i = first; i < a.bytes; ++i) {
    if (state[i] == SharedState::written) continue;
    if (byElement && (d.unread >> (i / d.width) & 1) != 0) continue;
    if (a.use == Use::load && a.bytes == d.bytes() && d.usedBytes != 0 && (d.usedBytes >> i & 1) == 0)
      continue;
    return static_cast<int>(i);
  }
  return -1;
}

bool allWritten(const uint8_t* state, unsigned bytes) {
  uint64_t word;
  switch (bytes) {
    case 1:
      return state[0] == 1;
    case 2:
      std::memcpy(&word, state, 2);
      return static_cast<uint16_t>(word) == 0x0101;
    case 4: {
      uint32_t four;
      std::memcpy(&four, state, 4);
      return four == 0x01010101;
    }
    default: {
      constexpr uint64_t ones = 0x0101010101010101ull;
      uint64_t differs = 0;
      unsigned i = 0;
      for (; i + 8 <= bytes; i += 8) {
        std::memcpy(&word, state + i, 8);
        differs |= word ^ ones;
      }
      for (; i < bytes; ++i) differs |= state[i] ^ 1u;
      return differs == 0;
    }
  }
}

uint8_t* stateOf(const Access& a, int lane) {
  switch (a.space) {
    case Space::shared:
      return a.w.cta->sharedState.data() + a.address[lane];
    case Space::local:
      return a.w.localState.data() + static_cast<uint64_t>(lane) * a.w.localStride + a.address[lane];
    default: {
      const Memory::State& memory = a.w.cta->launch->memory.state();
      return memory.inside(a.address[lane]) ? memory.writtenAt(a.address[lane]) : nullptr;
    }
  }
}

void reportUnwritten(const Access& a, int lane, int byte, uint8_t state) {
  std::string what =
      "read of " + std::to_string(a.bytes) + " bytes in " + std::string(nameOf(a.space)) + " memory ";
  if (state == SharedState::copying)
    what += "that cp.async has not delivered yet (no wait before it)";
  else
    what += state == SharedState::undefined ? "into which an undefined value was stored"
                                            : "that nothing has written";
  if (byte > 0) what += ", from byte " + std::to_string(byte) + " on";
  if (a.space == Space::global) {
    Memory::Allocation allocation;
    if (a.w.cta->launch->memory.find(a.address[lane], &allocation))
      what += ", " + std::to_string(a.address[lane] - allocation.base) + " bytes into " + allocation.label +
              " of " + std::to_string(allocation.bytes) + " bytes";
  } else {
    what += " at offset " + std::to_string(a.address[lane]);
  }
  report(a.w, Check::uninitialized, lane, a.address[lane], what);
}

// Whether all that a lane loads unwritten from shared or local memory is followed from here on. Not what
// cp.async has yet to deliver: to read that is an error by itself.
bool follow(const Access& a, int lane, const uint8_t* state) {
  if (a.space == Space::global || a.use != Use::load) return false;
  for (int byte = firstUnwritten(a, state); byte >= 0;
       byte = firstUnwritten(a, state, static_cast<unsigned>(byte) + 1)) {
    if (state[byte] == SharedState::copying) return false;
    if (!loadUndefined(a, lane, static_cast<unsigned>(byte), state[byte])) return false;
  }
  return true;
}

}  // namespace

// Whether every active lane finds only written bytes. Runs of addresses, and lanes that share one, are looked
// at once.
static bool allLanesWritten(const Access& a) {
  if (a.contiguous && a.space != Space::local) {
    const uint8_t* state = stateOf(a, 0);
    return state == nullptr || allWritten(state, 32 * a.bytes);
  }
  for (uint32_t left = a.space == Space::local ? a.mask : a.distinct; left != 0; left &= left - 1) {
    const uint8_t* state = stateOf(a, __builtin_ctz(left));
    if (state != nullptr && !allWritten(state, a.bytes)) return false;
  }
  return true;
}

static void checkReads(Access& a) {
  for (uint32_t left = a.mask; left != 0; left &= left - 1) {
    int lane = __builtin_ctz(left);
    const uint8_t* state = stateOf(a, lane);
    if (state == nullptr || allWritten(state, a.bytes)) continue;
    int byte = firstUnwritten(a, state);
    if (byte < 0 || follow(a, lane, state)) continue;
    reportUnwritten(a, lane, byte, state[byte]);
    return;
  }
}

static void markWritten(const Access& a) {
  uint8_t* run = a.contiguous && a.space != Space::local ? stateOf(a, 0) : nullptr;
  if (run != nullptr) {
    std::memset(run, SharedState::written, 32 * a.bytes);
    return;
  }
  for (uint32_t left = a.space == Space::local ? a.mask : a.distinct; left != 0; left &= left - 1) {
    uint8_t* state = stateOf(a, __builtin_ctz(left));
    if (state != nullptr) std::memset(state, SharedState::written, a.bytes);
  }
}

void checkValues(Access& a) {
  bool reads = a.use != Use::store && a.w.cta->launch->checks(Check::uninitialized);
  if (reads && !allLanesWritten(a)) checkReads(a);
  if (a.use == Use::load) return;
  markWritten(a);
  if (a.use == Use::store && !a.w.undefined.empty()) storeUndefined(a);
}

}  // namespace softcuda
