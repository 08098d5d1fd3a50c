// Divergence: a tree of splits whose leaves run, and the frames of calls.
#include <algorithm>
#include <cstring>

#include "execute/launch.h"
#include "program/details.h"

namespace softcuda {
namespace {

Split* makeSplit(Warp& w) {
  Split* split;
  if (w.freeSplits.empty()) {
    split = &w.splits.emplace_back();
  } else {
    split = w.freeSplits.back();
    w.freeSplits.pop_back();
    *split = Split{};
  }
  return split;
}

void removeLeaf(Warp& w, Split* split) {
  auto found = std::find(w.leaves.begin(), w.leaves.end(), split);
  *found = w.leaves.back();
  w.leaves.pop_back();
}

uint64_t valueOf(const Warp& w, const FrameValue& value, int lane, uint32_t localBase) {
  const Cta& cta = *w.cta;
  const Launch& launch = *cta.launch;
  const auto &block = launch.shape.block, &grid = launch.shape.grid;
  auto thread = [&](size_t axis) { return threadOf(cta, w.index, lane)[axis]; };
  uint32_t bit = 1u << lane;
  switch (value.special) {
    case Special::tidX:
      return thread(0);
    case Special::tidY:
      return thread(1);
    case Special::tidZ:
      return thread(2);
    case Special::ntidX:
      return block[0];
    case Special::ntidY:
      return block[1];
    case Special::ntidZ:
      return block[2];
    case Special::ctaidX:
      return cta.at[0];
    case Special::ctaidY:
      return cta.at[1];
    case Special::ctaidZ:
      return cta.at[2];
    case Special::nctaidX:
      return grid[0];
    case Special::nctaidY:
      return grid[1];
    case Special::nctaidZ:
      return grid[2];
    case Special::laneid:
      return static_cast<uint64_t>(lane);
    case Special::warpid:
      return w.index;
    case Special::nwarpid:
      return (launch.limits.threadsPerSm + 31) / 32;
    case Special::smid:
      return cta.index % static_cast<uint64_t>(launch.limits.multiprocessors);
    case Special::nsmid:
      return static_cast<uint64_t>(launch.limits.multiprocessors);
    case Special::gridid:
      return launch.serial;
    case Special::lanemaskEq:
      return bit;
    case Special::lanemaskLt:
      return bit - 1;
    case Special::lanemaskLe:
      return bit | (bit - 1);
    case Special::lanemaskGt:
      return ~(bit | (bit - 1));
    case Special::lanemaskGe:
      return ~(bit - 1);
    case Special::dynamicSmemSize:
      return launch.shape.dynamicShared;
    case Special::totalSmemSize:
      return launch.sharedBytes;
    case Special::zero:
      return 0;
    case Special::one:
      return 1;
    case Special::gridWorkspaceHigh:
      return launch.workspace >> 32;
    case Special::gridWorkspaceLow:
      return launch.workspace & 0xffffffffu;
    case Special::dynamicShared:
      return launch.dynamicSharedBase + value.offset;
    case Special::localVariable:
      return localBase + value.offset;
  }
  return 0;
}

}  // namespace

Frame* makeFrame(Warp& w, const Function& function, uint32_t localBase) {
  if (localBase + function.localBytes > w.localStride)
    throw LaunchFault{Fault::illegalAddress, "the stack of a thread is used up in " + function.name + " (" +
                                                 std::to_string(w.localStride) + " bytes of local memory)"};
  size_t bytes = function.frameBytes + 32ull * function.paramBytes;
  auto same = std::find_if(w.freeFrames.begin(), w.freeFrames.end(),
                           [&](Frame* f) { return f->function == &function; });
  Frame* frame;
  if (same != w.freeFrames.end()) {
    frame = *same;
    *same = w.freeFrames.back();
    w.freeFrames.pop_back();
  } else {
    frame = w.frames.emplace_back(std::make_unique<Frame>()).get();
    frame->function = &function;
    w.storage.push_back(std::make_unique<uint64_t[]>(bytes / 8 + 9));
    auto begin = reinterpret_cast<uintptr_t>(w.storage.back().get());
    frame->registers = reinterpret_cast<std::byte*>((begin + 63) / 64 * 64);
    frame->params = frame->registers + function.frameBytes;
  }
  frame->localBase = localBase;
  for (const FrameValue& value : function.frameValues) {
    for (int lane = 0; lane < 32; ++lane) {
      uint64_t bits = valueOf(w, value, lane, localBase);
      std::memcpy(frame->registers + value.slot + lane * (value.wide ? 8 : 4), &bits, value.wide ? 8 : 4);
    }
  }
  return frame;
}

void dropFrame(Warp& w, Frame* frame) {
  w.undefined.drop(frame);
  w.freeFrames.push_back(frame);
}

void select(Warp& w, Split* split) {
  w.split = split;
  if (split == nullptr) return;
  w.function = split->frame->function;
  w.bank[0] = split->frame->registers;
  w.bank[1] = reinterpret_cast<std::byte*>(const_cast<uint64_t*>(w.function->constants.data()));
}

void start(Warp& w, uint32_t alive) {
  w.alive = alive;
  Split* root = makeSplit(w);
  root->mask = alive;
  root->frame = makeFrame(w, *w.cta->launch->kernel.function, 0);
  w.leaves.push_back(root);
  select(w, root);
}

void pickSplit(Warp& w) {
  std::vector<Split*> ready;
  for (Split* each : w.leaves)
    if (each->state == Split::State::ready) ready.push_back(each);
  select(w, ready.empty() ? nullptr : ready[w.worker->random() % ready.size()]);
}

void block(Warp& w, Split::State state) {
  w.split->state = state;
  pickSplit(w);
}

// A split without work left: its parent goes on when it was the last part.
static void finish(Warp& w, Split* split) {
  for (;;) {
    Split* parent = split->parent;
    removeLeaf(w, split);
    w.freeSplits.push_back(split);
    if (parent == nullptr || --parent->parts > 0) {
      pickSplit(w);
      return;
    }
    if (parent->callee != nullptr) {
      const auto& call = static_cast<const CallDetail&>(*parent->call->detail);
      const Function& callee = *parent->callee->function;
      for (size_t i = 0; i < call.results.size(); ++i)
        for (int lane = 0; lane < 32; ++lane)
          if ((parent->mask >> lane & 1) != 0)
            std::memcpy(parent->frame->params + lane * parent->frame->function->paramBytes + call.results[i],
                        parent->callee->params + lane * callee.paramBytes + callee.results[i].first,
                        call.resultBytes[i]);
      for (size_t i = 0; i < call.results.size() && !w.undefined.empty(); ++i)
        passUndefined(w, parent->callee, callee.results[i].first, parent->frame, call.results[i],
                      call.resultBytes[i], parent->mask);
      dropFrame(w, parent->callee);
      parent->callee = nullptr;
    }
    parent->state = Split::State::ready;
    w.leaves.push_back(parent);
    bool over = parent->mask == 0 || parent->pc == parent->rejoin;
    if (!over) {
      select(w, parent);
      return;
    }
    split = parent;
  }
}

void arrive(Warp& w) { finish(w, w.split); }

void enter(Warp& w, Frame* callee, uint32_t mask) {
  Split* caller = w.split;
  caller->state = Split::State::parent;
  caller->parts = 1;
  removeLeaf(w, caller);
  Split* body = makeSplit(w);
  body->mask = mask, body->frame = callee, body->parent = caller;
  w.leaves.push_back(body);
  select(w, body);
}

void exitLanesOf(Warp& w, uint32_t mask) {
  w.alive &= ~mask;
  w.cta->alive -= static_cast<uint32_t>(__builtin_popcount(mask));
  Split* split = w.split;
  for (Split* each = split; each != nullptr; each = each->parent) each->mask &= ~mask;
  if (split->mask == 0) finish(w, split);
}

// Threads of a warp make progress one by one: a lane that holds a lock must not wait until those that spin
// for it come where it waits.
void letWaitingGoOn(Warp& w) {
  std::vector<Split*> parents;
  for (const Split* leaf : w.leaves)
    for (Split* each = leaf->parent; each != nullptr; each = each->parent)
      if (std::find(parents.begin(), parents.end(), each) == parents.end()) parents.push_back(each);
  for (Split* parent : parents) {
    if (parent->callee != nullptr) continue;
    uint32_t below = 0;
    for (const Split* leaf : w.leaves)
      for (const Split* each = leaf->parent; each != nullptr; each = each->parent)
        if (each == parent) below |= leaf->mask;
    uint32_t here = parent->mask & ~below;
    if (here == 0 || below == 0) continue;
    for (const Split* each : parents) here &= each->parent == parent ? ~each->mask : ~0u;
    if (here == 0) continue;
    Split* freed = makeSplit(w);
    freed->mask = here, freed->pc = parent->pc, freed->rejoin = parent->rejoin;
    freed->frame = parent->frame, freed->parent = parent->parent;
    if (parent->parent != nullptr) ++parent->parent->parts;
    parent->mask &= ~here;
    w.leaves.push_back(freed);
    return;
  }
}

// The paths go their ways as siblings below `parent`; those that begin where they rejoin have arrived.
static void spread(Warp& w, Split* parent, Split* reused, const Frame* frame, const std::vector<Path>& paths,
                   uint32_t rejoin) {
  for (const Path& path : paths) {
    if (path.pc == rejoin) continue;
    Split* made = reused != nullptr ? reused : makeSplit(w);
    if (reused == nullptr) {
      made->rejoin = rejoin, made->frame = const_cast<Frame*>(frame), made->parent = parent;
      if (parent != nullptr) ++parent->parts;
      w.leaves.push_back(made);
    }
    made->mask = path.mask, made->pc = path.pc;
    reused = nullptr;
  }
}

// Lanes that jump past a kernel's end exit at once.
void part(Warp& w, std::vector<Path>& paths, uint32_t rejoin) {
  uint32_t leaving = 0, staying = 0;
  for (const Path& path : paths) (path.pc == kReturn && w.function->entry ? leaving : staying) |= path.mask;
  if (leaving != 0) exitLanesOf(w, leaving);
  if (staying == 0) return;
  paths.erase(std::remove_if(paths.begin(), paths.end(),
                             [&](const Path& path) { return (path.mask & staying) == 0; }),
              paths.end());
  Split* split = w.split;
  if (paths.size() == 1) {
    split->pc = paths[0].pc;
    return;
  }
  if (split->rejoin == rejoin) {
    spread(w, split->parent, split, split->frame, paths, rejoin);
  } else {
    split->pc = rejoin;
    split->state = Split::State::parent;
    removeLeaf(w, split);
    spread(w, split, nullptr, split->frame, paths, rejoin);
  }
  pickSplit(w);
}

}  // namespace softcuda
