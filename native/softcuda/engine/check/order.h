// What happens before what: vector clocks of a CTA's warps, and what a warp knows of other CTAs through
// fences and atomics.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace softcuda {

struct Warp;
struct Cta;
struct Launch;

// By warp of a CTA: how far its past is known.
struct Clock {
  std::array<uint32_t, 32> at{};
  void join(const Clock& other) {
    for (size_t i = 0; i < 32; ++i) at[i] = at[i] > other.at[i] ? at[i] : other.at[i];
  }
};

struct Flag;
// Flags of global memory and how much of each one's log is known.
using Known = std::vector<std::pair<const Flag*, size_t>>;
void learn(Known& known, const Known& more);

// A word through which CTAs tell one another: what each release to it published.
struct Flag {
  struct Entry {
    uint64_t cta = 0;
    Clock clock;
    Known known;
  };
  std::deque<Entry> log;
  std::unordered_map<uint64_t, std::vector<size_t>> entries;  // positions in the log by CTA
};

// Of a warp. `fenced` is what its last fence covers: only that is published by what follows.
struct WarpOrder {
  Clock clock, fenced;
  Known known, fencedKnown;
  uint64_t fences = 0;
  std::unordered_map<uint64_t, uint64_t> published;  // by flag's address: `fences` at the last release
};

// Of a CTA: the last accesses to each word of its shared memory.
struct SharedWord {
  uint32_t writeClock = 0, readClock = 0, readers = 0;  // readers: warps, by bit
  uint16_t writeMeeting = 0, readMeeting = 0;
  uint8_t writeWarp = 0, writeLane = 0, readLane = 0;
  uint8_t writeBytes = 0 /* low 4 bits; 0: never written */, readBytes = 0;
  bool writeStrong = false, readStrong = false;
};
struct SharedOrder {
  std::vector<SharedWord> words;
  std::unordered_map<uint64_t, Clock> flags;  // by offset: strong accesses and mbarriers
};

// Of a launch; guarded by its mutex.
struct GlobalOrder {
  std::mutex mutex;
  std::unordered_map<uint64_t, std::unique_ptr<Flag>> flags;
};

// One warp's own past goes on: what it does from now on is not covered by what it has told.
void advance(Warp& w);
void orderFence(Warp& w);
// A release to, an acquire from the flag at `address` of global memory.
void publish(Warp& w, uint64_t address);
void acquire(Warp& w, uint64_t address);
// Whether the warp knows that what `warp` of `cta` did at `clock` is over.
bool knows(const Warp& w, uint64_t cta, uint32_t warp, uint32_t clock);

}  // namespace softcuda
