// What lanes of a warp tell each other: shuffles, votes, matches, reductions.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "execute/handlers.h"
#include "execute/join.h"
#include "execute/launch.h"

namespace softcuda {

uint32_t joinLanes(Warp& w, const Instr& in, Ref named, uint32_t mask) {
  const uint32_t* masks = lanes<uint32_t>(w, named);
  Split* split = w.split;
  uint32_t wanted = 0, outside = 0;
  for (uint32_t left = mask; left != 0; left &= left - 1) {
    int lane = __builtin_ctz(left);
    wanted |= masks[lane];
    if ((masks[lane] >> lane & 1) == 0) outside |= 1u << lane;
  }
  if (outside != 0)
    report(w, Check::barrier, __builtin_ctz(outside), 0,
           "the lane takes part, but its mask does not name it");
  ++w.meetings;
  uint32_t missing = wanted & w.alive & ~mask;
  if (missing == 0 || split->forced) {
    split->forced = false;
    return mask;
  }
  // Waiting splits keep the program counter of the instruction that they wait at.
  auto waitsHere = [&](const Split* each) {
    if (each->state != Split::State::lanes) return false;
    const Instr& other = each->frame->function->code[each->pc];
    return each->frame == split->frame && (&other == &in || (other.run == syncWarp && in.run == syncWarp));
  };
  uint32_t here = 0;
  for (const Split* each : w.leaves)
    if (waitsHere(each)) here |= each->mask;
  if ((missing & ~here) != 0) {
    --split->pc;
    split->waitMask = wanted;
    block(w, Split::State::lanes);
    return 0;
  }
  for (Split* each : w.leaves) {
    if (!waitsHere(each)) continue;
    ++each->pc;
    each->state = Split::State::ready;
  }
  return mask | here;
}

void syncWarp(Warp& w, const Instr& in, uint32_t mask) {
  mask = joinLanes(w, in, in.a, mask);
  if (mask != 0 && !w.undefined.empty()) exchangeUndefined(w, in, mask);
}

void shuffle(Warp& w, const Instr& in, uint32_t mask) {
  mask = joinLanes(w, in, in.e, mask);
  if (mask == 0) return;
  const auto& detail = static_cast<const ShuffleDetail&>(*in.detail);
  const uint32_t *b = lanes<uint32_t>(w, in.b), *c = lanes<uint32_t>(w, in.c);
  uint32_t a[32], r[32], valid = 0, silent = 0;
  int source[32];
  std::memcpy(a, lanes<uint32_t>(w, in.a), sizeof a);
  for (int lane = 0; lane < 32; ++lane) {
    uint32_t segment = c[lane] >> 8 & 31, clamp = c[lane] & 31;
    int n = static_cast<int>(b[lane] & 31), from = lane;
    int last = static_cast<int>((static_cast<uint32_t>(lane) & segment) | (clamp & ~segment));
    int first = static_cast<int>(static_cast<uint32_t>(lane) & segment);
    bool in_range = false;
    switch (in.flags) {
      case 0:
        from = lane - n, in_range = from >= last;
        break;
      case 1:
        from = lane + n, in_range = from <= last;
        break;
      case 2:
        from = lane ^ n, in_range = from <= last;
        break;
      default:
        from = first | (n & static_cast<int>(~segment & 31)), in_range = from <= last;
        break;
    }
    if (!in_range) from = lane;
    r[lane] = a[from];
    source[lane] = from;
    valid |= static_cast<uint32_t>(in_range) << lane;
    if ((mask >> lane & 1) != 0 && (mask >> from & 1) == 0) silent |= 1u << lane;
  }
  if (silent != 0)
    report(w, Check::barrier, __builtin_ctz(silent), 0,
           "the shuffle reads from a lane that does not take part");
  if (!w.undefined.empty()) shuffleUndefined(w, in, mask, source);
  if (in.d != kNoRef)
    for (int lane = 0; lane < 32; ++lane)
      if ((mask >> lane & 1) != 0) lanes<uint32_t>(w, in.d)[lane] = r[lane];
  setPredicate(w, detail.valid, valid, mask);
}

void voteLanes(Warp& w, const Instr& in, uint32_t mask) {
  mask = joinLanes(w, in, in.e, mask);
  if (mask == 0) return;
  if (!w.undefined.empty()) exchangeUndefined(w, in, mask);
  const uint32_t* masks = lanes<uint32_t>(w, in.e);
  uint32_t yes = predicate(w, in.a) & mask, result = 0;
  for (uint32_t left = mask; left != 0; left &= left - 1) {
    int lane = __builtin_ctz(left);
    uint32_t group = masks[lane] & mask;
    bool all = (yes & group) == group, any = (yes & group) != 0;
    bool value = in.flags == 0 ? all : in.flags == 1 ? any : all || !any;
    if (in.flags == 3 && in.d != kNoRef) lanes<uint32_t>(w, in.d)[lane] = yes & group;
    result |= static_cast<uint32_t>(value) << lane;
  }
  if (in.flags != 3) setPredicate(w, in.d, result, mask);
}

void matchLanes(Warp& w, const Instr& in, uint32_t mask) {
  mask = joinLanes(w, in, in.e, mask);
  if (mask == 0) return;
  if (!w.undefined.empty()) exchangeUndefined(w, in, mask);
  const uint32_t* masks = lanes<uint32_t>(w, in.e);
  uint64_t a[32];
  for (int lane = 0; lane < 32; ++lane)
    a[lane] = (in.flags & 2) != 0 ? lanes<uint64_t>(w, in.a)[lane] : lanes<uint32_t>(w, in.a)[lane];
  uint32_t equal[32] = {}, everybody = 0;
  for (int lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1) == 0) continue;
    uint32_t group = masks[lane] & mask;
    for (int i = 0; i < 32; ++i)
      equal[lane] |= static_cast<uint32_t>((group >> i & 1) != 0 && a[i] == a[lane]) << i;
    if (equal[lane] == group) everybody |= 1u << lane;
    if ((in.flags & 1) != 0 && equal[lane] != group) equal[lane] = 0;
  }
  if (in.d != kNoRef)
    for (int lane = 0; lane < 32; ++lane)
      if ((mask >> lane & 1) != 0) lanes<uint32_t>(w, in.d)[lane] = equal[lane];
  if ((in.flags & 1) != 0) setPredicate(w, in.b, everybody, mask);
}

static float reduceFloat(uint32_t flags, float a, float b) {
  if ((flags & 32) != 0) a = std::fabs(a), b = std::fabs(b);
  if (a != a || b != b) {
    if ((flags & 64) != 0) return NAN;
    return a != a ? b : a;
  }
  return (flags & 7) == 1 ? std::min(a, b) : std::max(a, b);
}

static uint32_t reduce(uint32_t flags, uint32_t a, uint32_t b) {
  bool isSigned = (flags & 8) != 0;
  if ((flags & 16) != 0) {
    float x, y;
    std::memcpy(&x, &a, 4), std::memcpy(&y, &b, 4);
    x = reduceFloat(flags, x, y);
    std::memcpy(&a, &x, 4);
    return a;
  }
  switch (flags & 7) {
    case 0:
      return a + b;
    case 1:
      return isSigned ? static_cast<uint32_t>(std::min(static_cast<int32_t>(a), static_cast<int32_t>(b)))
                      : std::min(a, b);
    case 2:
      return isSigned ? static_cast<uint32_t>(std::max(static_cast<int32_t>(a), static_cast<int32_t>(b)))
                      : std::max(a, b);
    case 3:
      return a & b;
    case 4:
      return a | b;
    default:
      return a ^ b;
  }
}

void reduceLanes(Warp& w, const Instr& in, uint32_t mask) {
  mask = joinLanes(w, in, in.e, mask);
  if (mask == 0) return;
  if (!w.undefined.empty()) exchangeUndefined(w, in, mask);
  const uint32_t* masks = lanes<uint32_t>(w, in.e);
  uint32_t a[32];
  std::memcpy(a, lanes<uint32_t>(w, in.a), sizeof a);
  for (uint32_t todo = mask; todo != 0;) {
    uint32_t group = masks[__builtin_ctz(todo)] & mask;
    if (group == 0) group = 1u << __builtin_ctz(todo);
    uint32_t left = group, total = a[__builtin_ctz(left)];
    for (left &= left - 1; left != 0; left &= left - 1)
      total = reduce(in.flags, total, a[__builtin_ctz(left)]);
    if (in.d != kNoRef)
      for (int lane = 0; lane < 32; ++lane)
        if ((group >> lane & 1) != 0) lanes<uint32_t>(w, in.d)[lane] = total;
    todo &= ~group;
  }
}

void activeLanes(Warp& w, const Instr& in, uint32_t mask) {
  for (int lane = 0; lane < 32; ++lane)
    if ((mask >> lane & 1) != 0) lanes<uint32_t>(w, in.d)[lane] = mask;
}

void electLane(Warp& w, const Instr& in, uint32_t mask) {
  mask = joinLanes(w, in, in.e, mask);
  if (mask == 0) return;
  if (!w.undefined.empty()) exchangeUndefined(w, in, mask);
  uint32_t named = lanes<uint32_t>(w, in.e)[__builtin_ctz(mask)] & mask;
  if (named == 0) named = mask;
  uint32_t leader = static_cast<uint32_t>(__builtin_ctz(named));
  if (in.d != kNoRef)
    for (int lane = 0; lane < 32; ++lane)
      if ((mask >> lane & 1) != 0) lanes<uint32_t>(w, in.d)[lane] = leader;
  setPredicate(w, in.b, 1u << leader, mask);
}

}  // namespace softcuda
