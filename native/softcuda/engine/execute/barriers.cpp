// Barriers of a CTA, and what happens when nothing can run any more.
#include <algorithm>

#include "execute/handlers.h"
#include "execute/launch.h"

namespace softcuda {
namespace {

void complete(Barrier& b, Cta& cta) {
  for (auto& [warp, split] : b.waiting) {
    const Instr& in = split->frame->function->code[split->pc - 1];
    const auto& detail = static_cast<const BarrierDetail&>(*in.detail);
    split->state = Split::State::ready;
    warp->past.clock.join(b.past);
    learn(warp->past.known, b.known);
    if (detail.reduce == BarrierDetail::Reduce::none) continue;
    std::byte* d = split->frame->registers + in.d;
    if (detail.reduce == BarrierDetail::Reduce::popc) {
      for (int lane = 0; lane < 32; ++lane)
        if ((split->mask >> lane & 1) != 0) reinterpret_cast<uint32_t*>(d)[lane] = b.reduced;
    } else {
      bool yes = detail.reduce == BarrierDetail::Reduce::any ? b.reduced > 0 : b.reduced == b.arrived;
      uint32_t& p = *reinterpret_cast<uint32_t*>(d);
      p = yes ? p | split->mask : p & ~split->mask;
    }
  }
  ++cta.progress;
  b.waiting.clear();
  b.past = Clock{};
  b.known.clear();
  b.arrived = b.expected = b.reduced = 0;
}

bool full(const Barrier& b, const Cta& cta) {
  if (b.arrived == 0) return false;
  return b.arrived >= (b.expected == 0 ? cta.alive : b.expected);
}

}  // namespace

void barrier(Warp& w, const Instr& in, uint32_t mask) {
  const auto& detail = static_cast<const BarrierDetail&>(*in.detail);
  int lane = __builtin_ctz(mask);
  uint32_t id = lanes<uint32_t>(w, detail.id)[lane];
  uint32_t count = detail.count == kNoRef ? 0 : lanes<uint32_t>(w, detail.count)[lane];
  if (id >= w.cta->barriers.size())
    throw LaunchFault{Fault::illegalInstruction, "barrier " + std::to_string(id) + " does not exist"};
  if (count % 32 != 0)
    throw LaunchFault{Fault::illegalInstruction,
                      "a barrier for " + std::to_string(count) + " threads: no multiple of 32"};
  if (detail.aligned && mask != w.alive)
    report(w, Check::barrier, __builtin_ctz(w.alive & ~mask), 0,
           "the thread does not reach the barrier that others of its warp wait at");
  Barrier& b = w.cta->barriers[id];
  ++w.worker->counters.barriers;
  if (b.arrived != 0 && b.expected != count)
    report(w, Check::barrier, lane, 0,
           "barrier " + std::to_string(id) + " is used with " + std::to_string(count) + " and with " +
               std::to_string(b.expected) + " threads at once");
  b.expected = count;
  b.past.join(w.past.clock);
  learn(b.known, w.past.known);
  advance(w);
  bool wholeWarp = count != 0 && mask == w.alive;
  b.arrived += wholeWarp ? 32 : static_cast<uint32_t>(__builtin_popcount(mask));
  if (detail.reduce != BarrierDetail::Reduce::none)
    b.reduced += static_cast<uint32_t>(__builtin_popcount(predicate(w, in.a) & mask));
  if (!detail.arrive) {
    w.split->state = Split::State::barrier;
    b.waiting.emplace_back(&w, w.split);
  }
  if (full(b, *w.cta)) complete(b, *w.cta);
  if (!detail.arrive && w.split->state == Split::State::barrier) pickSplit(w);
}

void releaseBarriers(Cta& cta) {
  for (Barrier& b : cta.barriers)
    if (b.expected == 0 && full(b, cta)) complete(b, cta);
}

bool breakDeadlock(Cta& cta) {
  for (auto& each : cta.warps) {
    Warp& w = *each;
    for (Split* split : w.leaves) {
      if (split->state != Split::State::lanes) continue;
      split->state = Split::State::ready;
      if ((split->waitMask & w.alive & ~split->mask) == 0) return true;  // whom it waited for has exited
      split->forced = true;
      select(w, split);
      w.pc = split->pc;
      uint32_t missing = split->waitMask & w.alive & ~split->mask;
      report(w, Check::barrier, __builtin_ctz(missing), 0,
             "the mask names the lane, but it does not take part");
      return true;
    }
  }
  for (size_t id = 0; id < cta.barriers.size(); ++id) {
    Barrier& b = cta.barriers[id];
    if (b.waiting.empty()) continue;
    Warp& w = *b.waiting[0].first;
    Split* split = b.waiting[0].second;
    select(w, split);
    w.pc = split->pc - 1;
    uint32_t expected = b.expected == 0 ? cta.alive : b.expected;
    report(w, Check::barrier, __builtin_ctz(split->mask), 0,
           "barrier " + std::to_string(id) + " never opens: " + std::to_string(b.arrived) + " of " +
               std::to_string(expected) + " threads have come");
    complete(b, cta);
    for (auto& warp : cta.warps) pickSplit(*warp);
    return true;
  }
  return false;
}

}  // namespace softcuda
