#include "execute/mbarrier.h"

#include <cstring>

#include "check/checks.h"
#include "execute/access.h"
#include "execute/handlers.h"

namespace softcuda {
namespace {

using ptx::Space;
using Op = MbarrierDetail::Op;

// The 64 bits: arrivals still awaited and expected, bytes still awaited (signed), the phase's parity.
struct State {
  int64_t pending, expected, bytes;
  uint64_t parity;

  static State of(uint64_t bits) {
    State s;
    s.pending = static_cast<int64_t>(bits & 0xfffff);
    s.expected = static_cast<int64_t>(bits >> 20 & 0xfffff);
    s.bytes = static_cast<int64_t>(bits << 1) >> 41;
    s.parity = bits >> 63;
    return s;
  }
  uint64_t bits() const {
    return parity << 63 | (static_cast<uint64_t>(bytes) & 0x7fffff) << 40 |
           (static_cast<uint64_t>(expected) & 0xfffff) << 20 | (static_cast<uint64_t>(pending) & 0xfffff);
  }
  void turn() {
    if (pending != 0 || bytes != 0) return;
    parity ^= 1;
    pending = expected;
  }
};

std::byte* objectAt(Warp& w, const MemoryDetail& detail, int lane, uint64_t address) {
  uint64_t at[32] = {};
  at[lane] = address;
  std::byte* object = nullptr;
  bySpace(w, detail, 1u << lane, at, [&](Space space, uint32_t mask) {
    if (space != Space::shared)
      throw LaunchFault{Fault::illegalAddress, "an mbarrier outside of shared memory"};
    Access access(w, detail, space, Use::atomic, mask, 8);
    access.address[lane] = address;
    resolve(access);
    object = access.host[lane];
  });
  return object;
}

template <class F>
uint64_t change(Warp& w, const MemoryDetail& detail, int lane, uint64_t address, F how) {
  std::byte* object = objectAt(w, detail, lane, address);
  uint64_t before;
  std::memcpy(&before, object, 8);
  State state = State::of(before);
  how(state);
  uint64_t after = state.bits();
  std::memcpy(object, &after, 8);
  if (state.parity != before >> 63) ++w.cta->progress;
  return before;
}

void initialize(Warp& w, const MbarrierDetail& detail, int lane, uint64_t address, uint32_t count) {
  MemoryDetail plain = detail;
  uint64_t at[32] = {};
  at[lane] = address;
  bySpace(w, plain, 1u << lane, at, [&](Space space, uint32_t mask) {
    Access access(w, plain, space, Use::store, mask, 8);
    access.address[lane] = address;
    resolve(access);
    uint64_t bits = State{count, count, 0, 0}.bits();
    std::memcpy(access.host[lane], &bits, 8);
  });
  ++w.cta->progress;
}

}  // namespace

uint64_t arriveAt(Warp& w, const MemoryDetail& detail, int lane, uint64_t address, uint32_t count,
                  bool drop) {
  mbarrierArrived(w, lane, address);
  return change(w, detail, lane, address, [&](State& state) {
    if (drop) state.expected -= count;
    state.pending -= count;
    if (state.pending < 0)
      report(w, Check::barrier, lane, address, "more arrivals at an mbarrier than it was made for");
    state.turn();
  });
}

void completeAt(Warp& w, const MemoryDetail& detail, int lane, uint64_t address, uint32_t bytes) {
  mbarrierArrived(w, lane, address);
  change(w, detail, lane, address, [&](State& state) {
    state.bytes -= bytes;
    state.turn();
  });
}

void mbarrierAccess(Warp& w, const Instr& in, uint32_t mask) {
  const auto& detail = static_cast<const MbarrierDetail&>(*in.detail);
  uint64_t address[32];
  if (detail.op != Op::pending) addressesOf(w, detail, mask, address);
  uint32_t done = 0;
  bool allDone = true;
  for (uint32_t left = mask; left != 0; left &= left - 1) {
    int lane = __builtin_ctz(left);
    uint32_t count = detail.count == kNoRef ? 1 : lanes<uint32_t>(w, detail.count)[lane];
    uint64_t before = 0;
    switch (detail.op) {
      case Op::init:
        initialize(w, detail, lane, address[lane], count);
        break;
      case Op::inval:
        objectAt(w, detail, lane, address[lane]);
        break;
      case Op::expect:
        before = change(w, detail, lane, address[lane], [&](State& state) { state.bytes += count; });
        break;
      case Op::complete:
        completeAt(w, detail, lane, address[lane], count);
        break;
      case Op::arrive:
      case Op::arriveDrop:
        if (detail.expects) {
          change(w, detail, lane, address[lane], [&](State& state) { state.bytes += count; });
          count = 1;
        }
        before = arriveAt(w, detail, lane, address[lane], count, detail.op == Op::arriveDrop);
        break;
      case Op::test: {
        uint64_t wanted = detail.parity ? lanes<uint32_t>(w, detail.state)[lane] & 1
                                        : lanes<uint64_t>(w, detail.state)[lane] >> 63;
        uint64_t now = change(w, detail, lane, address[lane], [](State&) {}) >> 63;
        bool turned = wanted != now;
        done |= static_cast<uint32_t>(turned) << lane;
        if (turned) mbarrierPassed(w, lane, address[lane]);
        allDone = allDone && turned;
        break;
      }
      case Op::pending:
        lanes<uint32_t>(w, in.d)[lane] =
            static_cast<uint32_t>(State::of(lanes<uint64_t>(w, detail.state)[lane]).pending);
        break;
    }
    bool givesState = detail.op == Op::arrive || detail.op == Op::arriveDrop;
    if (givesState && in.d != kNoRef) lanes<uint64_t>(w, in.d)[lane] = before;
  }
  if (detail.op != Op::test) return;
  setPredicate(w, in.d, done, mask);
  ++w.polls, ++w.cta->polls;
  if (!allDone) w.yield = true;
}

}  // namespace softcuda
