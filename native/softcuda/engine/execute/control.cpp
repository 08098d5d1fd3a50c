// Branches, calls, exits.
#include <chrono>
#include <cstring>

#include "execute/handlers.h"
#include "execute/launch.h"
#include "execute/system.h"

namespace softcuda {

void jump(Warp& w, const Instr& in, uint32_t mask) {
  if (in.target != kReturn || !w.function->entry) {
    w.split->pc = in.target;
    return;
  }
  exitLanesOf(w, mask);
}

void branch(Warp& w, const Instr& in, uint32_t mask) {
  uint32_t taken = mask & predicate(w, in.a);
  if (taken == 0) return;
  if (taken == mask) {
    jump(w, in, mask);
    return;
  }
  ++w.worker->counters.divergentBranches;
  std::vector<Path> paths{{taken, in.target}, {mask & ~taken, w.split->pc}};
  part(w, paths, in.rejoin);
}

void branchIndexed(Warp& w, const Instr& in, uint32_t mask) {
  const auto& targets = static_cast<const SwitchDetail&>(*in.detail).targets;
  const uint32_t* index = lanes<uint32_t>(w, in.a);
  std::vector<Path> paths;
  for (int lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1) == 0) continue;
    if (index[lane] >= targets.size())
      throw LaunchFault{Fault::illegalInstruction, "brx.idx beyond its table"};
    uint32_t target = targets[index[lane]];
    auto same = paths.begin();
    while (same != paths.end() && same->pc != target) ++same;
    if (same == paths.end()) same = paths.insert(same, Path{0, target});
    same->mask |= 1u << lane;
  }
  if (paths.size() > 1) ++w.worker->counters.divergentBranches;
  part(w, paths, in.rejoin);
}

void callFunction(Warp& w, const Instr& in, uint32_t mask) {
  const auto& call = static_cast<const CallDetail&>(*in.detail);
  const Function* callee = call.callee;
  Split* split = w.split;
  if (mask != split->mask || callee == nullptr) {
    // Who calls what: lanes with different callees, and those that don't call, part first.
    uint32_t here = split->pc - 1, after = split->pc;
    std::vector<Path> paths;
    uint64_t first = 0;
    if (callee == nullptr) {
      const uint64_t* pointer = lanes<uint64_t>(w, call.pointer);
      uint32_t left = mask;
      while (left != 0) {
        int lane = __builtin_ctz(left);
        uint32_t same = 0;
        for (int i = 0; i < 32; ++i)
          if ((left >> i & 1) != 0 && pointer[i] == pointer[lane]) same |= 1u << i;
        first = pointer[lane];
        paths.push_back({same, here});
        left &= ~same;
      }
    } else {
      paths.push_back({mask, here});
    }
    if (mask != split->mask) paths.push_back({split->mask & ~mask, after});
    if (paths.size() > 1) {
      part(w, paths, after);
      return;
    }
    auto found = w.cta->launch->kernel.program->byAddress.find(first);
    if (found == w.cta->launch->kernel.program->byAddress.end())
      throw LaunchFault{Fault::illegalInstruction, "an indirect call to an address that is no function"};
    callee = found->second;
    if (callee->formals.size() != call.arguments.size())
      throw LaunchFault{Fault::illegalInstruction,
                        "an indirect call of " + callee->name + " with other parameters"};
  }
  Frame* caller = split->frame;
  Frame* frame = makeFrame(w, *callee, caller->localBase + caller->function->localBytes);
  for (size_t i = 0; i < call.arguments.size(); ++i)
    for (int lane = 0; lane < 32; ++lane)
      if ((mask >> lane & 1) != 0)
        std::memcpy(frame->params + lane * callee->paramBytes + callee->formals[i].first,
                    caller->params + lane * caller->function->paramBytes + call.arguments[i],
                    call.argumentBytes[i]);
  for (size_t i = 0; i < call.arguments.size() && !w.undefined.empty(); ++i)
    passUndefined(w, caller, call.arguments[i], frame, callee->formals[i].first, call.argumentBytes[i], mask);
  split->callee = frame;
  split->call = &in;
  enter(w, frame, mask);
}

void returnLanes(Warp& w, const Instr&, uint32_t mask) {
  std::vector<Path> paths{{mask, kReturn}};
  if (mask != w.split->mask) paths.push_back({w.split->mask & ~mask, w.split->pc});
  part(w, paths, kReturn);
}

void exitLanes(Warp& w, const Instr&, uint32_t mask) { exitLanesOf(w, mask); }

void trapLanes(Warp&, const Instr&, uint32_t) { throw LaunchFault{Fault::trap, "trap"}; }

void yieldWarp(Warp& w, const Instr&, uint32_t) {
  ++w.polls, ++w.cta->polls;
  w.yield = true;
}

void nothing(Warp&, const Instr&, uint32_t) {}

void memoryFence(Warp& w, const Instr&, uint32_t) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  orderFence(w);
}

void callSystem(Warp& w, const Instr& in, uint32_t mask) {
  const auto& call = static_cast<const CallDetail&>(*in.detail);
  for (int lane = 0; lane < 32; ++lane)
    if ((mask >> lane & 1) != 0) systemCall(w, call, lane);
}

}  // namespace softcuda
