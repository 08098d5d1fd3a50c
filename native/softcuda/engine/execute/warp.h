// A warp in execution: its registers, its lanes' paths through the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "check/order.h"
#include "check/undefined.h"
#include "program/registers.h"

namespace softcuda {

struct Cta;
struct Worker;

// The registers of one call of a function, 32 lanes wide, and its parameter area, lane after lane.
struct Frame {
  const Function* function = nullptr;
  std::byte* registers = nullptr;
  std::byte* params = nullptr;
  uint32_t localBase = 0;  // of this call's local variables in each lane's local memory
};

// Lanes that run together. When they part, the split waits at the place where they meet again and its parts
// run, each its own split; a part that arrives there ends.
struct Split {
  enum class State : uint8_t { ready, parent, barrier, lanes };
  State state = State::ready;
  uint32_t mask = 0;
  uint32_t pc = 0;
  uint32_t rejoin = kReturn;
  uint32_t parts = 0;
  Split* parent = nullptr;
  Frame* frame = nullptr;
  Frame* callee = nullptr;      // of the call that this split waits for
  const Instr* call = nullptr;  // that call
  uint32_t waitMask = 0;        // lanes: those that must come
  bool forced = false;          // goes on without those
  uint32_t barrier = 0;         // barrier: which
};

// What cp.async has read and not yet delivered.
struct PendingCopy {
  int lane = 0;
  uint32_t group = 0;   // of the lane's groups, in their order
  uint32_t offset = 0;  // in shared memory
  uint32_t bytes = 0;
  std::byte data[16] = {};
};

struct Warp : Registers {
  Split* split = nullptr;  // that runs
  const Function* function = nullptr;
  Worker* worker = nullptr;
  Cta* cta = nullptr;
  uint32_t index = 0;  // within the CTA
  uint32_t alive = 0;  // lanes that have not exited
  uint32_t pc = 0;     // of the instruction that runs
  bool yield = false;  // the quantum ends here
  uint64_t executed = 0;
  uint32_t polls = 0, effects = 0;  // since the window began: looks at what others may change, plain stores
  uint64_t windowEnd = 0;           // of `executed`
  uint32_t meetings = 0;            // instructions so far at which named lanes met
  std::array<uint8_t, 32> order{};  // in which lanes' effects happen
  std::vector<Split*> leaves;       // splits that have no parts
  std::vector<Split*> freeSplits;
  std::deque<Split> splits;
  std::vector<std::unique_ptr<Frame>> frames;
  std::vector<Frame*> freeFrames;
  std::vector<std::unique_ptr<uint64_t[]>> storage;
  std::vector<PendingCopy> copies;
  std::array<uint32_t, 32> copyGroup{};  // the group that each lane's copies go to now
  WarpOrder past;
  Undefined undefined;
  std::vector<std::byte> local;     // 32 × localStride
  std::vector<uint8_t> localState;  // by byte, SharedState
  uint32_t localStride = 0, localUsed = 0;
  bool done() const { return alive == 0; }
};

}  // namespace softcuda
