// Races in shared memory: two accesses of a word, one of them a write, that nothing puts in an order.
#include <cstring>

#include "check/checks.h"

namespace softcuda {
namespace {

struct Who {
  Warp& w;
  int lane;
  uint32_t clock;
  uint16_t meeting;
};

bool strongOf(const Access& a) {
  return a.use == Use::atomic || a.detail.isVolatile || a.detail.order != MemoryDetail::Order::weak;
}

// Whether an access by `warp`/`lane` at `clock` may happen at the same time as what `who` does now.
bool unordered(const Who& who, uint32_t warp, int lane, uint32_t clock, uint16_t meeting) {
  if (warp != who.w.index) return clock > who.w.past.clock.at[warp];
  return lane != who.lane && clock == who.clock && meeting == who.meeting;
}

bool sameBytes(const Access& a, int lane, int other) {
  return a.values != nullptr && std::memcmp(a.values + 16 * lane, a.values + 16 * other, a.bytes) == 0;
}
bool unchanged(const Access& a, int lane) {
  return a.values != nullptr && std::memcmp(a.values + 16 * lane, a.host[lane], a.bytes) == 0;
}

void complain(const Access& a, int lane, const char* mine, const char* theirs, uint32_t warp, int other) {
  auto triple = [](const std::array<uint32_t, 3>& v) {
    return "(" + std::to_string(v[0]) + "," + std::to_string(v[1]) + "," + std::to_string(v[2]) + ")";
  };
  std::string thread = other < 0 ? "a thread of warp " + std::to_string(warp)
                                 : "thread " + triple(threadOf(*a.w.cta, warp, other));
  bool same = warp == a.w.index;
  report(
      a.w, Check::sharedRace, lane, a.address[lane],
      std::string("race in shared memory at offset ") + std::to_string(a.address[lane]) + ": this " + mine +
          " and the " + theirs + " by " + thread +
          (same ? " of the same warp without __syncwarp between them" : " without a barrier between them"));
}

void checkWord(const Access& a, const Who& who, SharedWord& word, uint8_t bytes, bool strong) {
  bool writes = a.use != Use::load;
  bool overlap = (word.writeBytes & bytes) != 0;
  // Volatile alone does not order the lanes of a warp.
  bool ordering = a.use == Use::atomic || a.detail.order != MemoryDetail::Order::weak;
  bool both = strong && word.writeStrong && (ordering || word.writeWarp != who.w.index);
  if (overlap && !both &&
      unordered(who, word.writeWarp, word.writeLane, word.writeClock, word.writeMeeting)) {
    bool sameInstruction = word.writeWarp == who.w.index && a.written >> word.writeLane & 1;
    bool benign = a.use == Use::store &&
                  (sameInstruction ? sameBytes(a, who.lane, word.writeLane) : unchanged(a, who.lane));
    if (!benign) complain(a, who.lane, writes ? "write" : "read", "write", word.writeWarp, word.writeLane);
  }
  if (writes && (word.readBytes & bytes) != 0 && !(strong && word.readStrong)) {
    for (uint32_t left = word.readers; left != 0; left &= left - 1) {
      uint32_t warp = static_cast<uint32_t>(__builtin_ctz(left));
      bool many = word.readLane == 0xff;
      int lane = warp == who.w.index && many ? (who.lane == 0 ? 1 : 0) : word.readLane;
      if (warp == who.w.index && word.readers != 1u << warp)
        continue;  // which lane read is not known any more
      if (!unordered(who, warp, lane, word.readClock, word.readMeeting)) continue;
      complain(a, who.lane, "write", "read", warp, many || word.readers != 1u << warp ? -1 : word.readLane);
      break;
    }
  }
}

void recordWrite(const Who& who, SharedWord& word, uint8_t bytes, bool strong) {
  word.writeClock = who.clock, word.writeMeeting = who.meeting;
  word.writeWarp = static_cast<uint8_t>(who.w.index), word.writeLane = static_cast<uint8_t>(who.lane);
  word.writeBytes = bytes, word.writeStrong = strong;
  word.readers = 0, word.readBytes = 0;
}

void recordRead(const Who& who, SharedWord& word, uint8_t bytes, bool strong) {
  uint32_t me = 1u << who.w.index;
  // Readers that are over no longer matter.
  bool together = word.readers != 0 && word.readBytes != 0;
  if (together && word.readers == me)
    together = word.readClock == who.clock && word.readMeeting == who.meeting;
  else if (together)
    together = word.readClock == who.clock ||
               word.readClock > who.w.past.clock.at[static_cast<size_t>(__builtin_ctz(word.readers))];
  if (!together) {
    word.readers = me, word.readClock = who.clock, word.readMeeting = who.meeting;
    word.readLane = static_cast<uint8_t>(who.lane), word.readBytes = bytes, word.readStrong = strong;
    return;
  }
  if (word.readers == me && word.readLane != who.lane) word.readLane = 0xff;
  word.readers |= me;
  word.readClock = std::min(word.readClock, who.clock);
  word.readBytes |= bytes;
  word.readStrong = word.readStrong && strong;
}

// Strong accesses of a word hand on what the writer's last fence covers.
void exchangeClocks(Access& a, int lane) {
  Warp& w = a.w;
  auto& flags = w.cta->order.flags;
  uint64_t at = a.address[lane] & ~3ull;
  if (a.use != Use::store) {
    auto flag = flags.find(at);
    if (flag != flags.end()) w.past.clock.join(flag->second);
  }
  if (a.use != Use::load && w.past.fences != 0) flags[at].join(w.past.fenced);
}

}  // namespace

void checkSharedRace(Access& a) {
  Warp& w = a.w;
  std::vector<SharedWord>& words = w.cta->order.words;
  bool strong = strongOf(a);
  if (strong &&
      (a.detail.order == MemoryDetail::Order::release || a.detail.order == MemoryDetail::Order::acqRel))
    orderFence(w);
  a.written = 0;
  const bool reads = a.use == Use::load && !strong;
  const uint32_t me = 1u << w.index;
  for (uint32_t left = a.mask; left != 0; left &= left - 1) {
    int lane = __builtin_ctz(left);
    if (reads && (a.distinct >> lane & 1) == 0) {
      // An earlier lane stands for it, but in who may not write the word.
      for (uint64_t i = a.address[lane] / 4; i <= (a.address[lane] + a.bytes - 1) / 4; ++i)
        if (words[i].readers == me) words[i].readLane = 0xff;
      continue;
    }
    if (strong) exchangeClocks(a, lane);
    Who who{w, lane, w.past.clock.at[w.index], static_cast<uint16_t>(w.meetings)};
    uint64_t first = a.address[lane] / 4, last = (a.address[lane] + a.bytes - 1) / 4;
    uint8_t bytes = a.bytes >= 4 ? 15 : static_cast<uint8_t>(((1u << a.bytes) - 1) << (a.address[lane] & 3));
    for (uint64_t i = first; i <= last; ++i) {
      SharedWord& word = words[i];
      checkWord(a, who, word, bytes, strong);
      if (a.use == Use::load)
        recordRead(who, word, bytes, strong);
      else
        recordWrite(who, word, bytes, strong);
    }
    a.written |= 1u << lane;
  }
}

void copyDelivered(Warp& w, const PendingCopy& copy) {
  if (!w.cta->launch->checks(Check::sharedRace)) return;
  Who who{w, copy.lane, w.past.clock.at[w.index], static_cast<uint16_t>(w.meetings)};
  for (uint32_t i = copy.offset / 4; i < (copy.offset + copy.bytes) / 4; ++i)
    recordWrite(who, w.cta->order.words[i], 15, false);
}

void mbarrierArrived(Warp& w, int, uint64_t address) {
  if (!w.cta->launch->checks(Check::sharedRace)) return;
  w.cta->order.flags[address & 0xffffff].join(w.past.clock);
  advance(w);
}

void mbarrierPassed(Warp& w, int, uint64_t address) {
  if (!w.cta->launch->checks(Check::sharedRace)) return;
  auto flag = w.cta->order.flags.find(address & 0xffffff);
  if (flag != w.cta->order.flags.end()) w.past.clock.join(flag->second);
  ++w.meetings;
}

}  // namespace softcuda
