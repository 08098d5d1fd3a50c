// Sectors of global memory and wavefronts of shared memory that a warp's request takes.
#include <algorithm>

#include "check/checks.h"

namespace softcuda {
namespace {

constexpr uint64_t kSector = 32;

// The active lanes' addresses in ascending order, one where all are the same; their number.
int sorted(const Access& a, uint64_t* address) {
  if (a.uniform) {
    // Every lane asks for the same bytes.
    address[0] = a.address[__builtin_ctz(a.mask)];
    return 1;
  }
  int n = 0;
  bool ascending = true;
  for (uint32_t left = a.distinct; left != 0; left &= left - 1) {
    address[n] = a.address[__builtin_ctz(left)];
    ascending = ascending && (n == 0 || address[n - 1] <= address[n]);
    ++n;
  }
  if (!ascending) std::sort(address, address + n);
  return n;
}

// Counts a sector the first time that the launch touches it.
uint64_t firstTouch(const Launch& launch, uint64_t sector, bool isStore) {
  const Memory::State& memory = launch.memory.state();
  uint64_t address = sector * kSector;
  if (!memory.inside(address)) return 0;
  const Reserved& stamps = isStore ? memory.storeStamps : memory.loadStamps;
  auto* stamp = reinterpret_cast<uint32_t*>(stamps.data()) + (address - memory.base()) / kSector;
  if (__atomic_load_n(stamp, __ATOMIC_RELAXED) == launch.serial) return 0;
  return __atomic_exchange_n(stamp, launch.serial, __ATOMIC_RELAXED) == launch.serial ? 0 : kSector;
}

// The most different words that any bank has to give.
uint64_t wavefronts(uint32_t* words, int n) {
  uint32_t seen = 0, wordOf[32];
  int i = 0;
  for (; i < n; ++i) {
    uint32_t bank = words[i] & 31, bit = 1u << bank;
    if ((seen & bit) == 0)
      seen |= bit, wordOf[bank] = words[i];
    else if (wordOf[bank] != words[i])
      break;
  }
  if (i == n) return 1;
  std::sort(words, words + n);
  uint8_t perBank[32] = {};
  uint64_t waves = 1;
  for (i = 0; i < n; ++i)
    if (i == 0 || words[i] != words[i - 1]) waves = std::max<uint64_t>(waves, ++perBank[words[i] & 31]);
  return waves;
}

}  // namespace

void countGlobal(Access& a) {
  Counters& counters = a.w.worker->counters;
  uint64_t address[32];
  int n = sorted(a, address);
  uint64_t lanesActive = static_cast<uint64_t>(__builtin_popcount(a.mask));
  if (a.use == Use::atomic) {
    counters.atomics += lanesActive;
    return;
  }
  bool isStore = a.use == Use::store;
  Counters::Access& c = isStore ? counters.globalStore : counters.globalLoad;
  uint64_t& distinct = isStore ? counters.distinctStoreBytes : counters.distinctLoadBytes;
  uint64_t sectors = 0, bytes = 0, lastSector = ~0ull, end = 0;
  for (int i = 0; i < n; ++i) {
    uint64_t first = address[i], behind = first + a.bytes;
    for (uint64_t sector = first / kSector; sector <= (behind - 1) / kSector; ++sector) {
      if (sector == lastSector || (lastSector != ~0ull && sector < lastSector)) continue;
      lastSector = sector;
      ++sectors;
      distinct += firstTouch(*a.w.cta->launch, sector, isStore);
    }
    bytes += first >= end ? a.bytes : behind > end ? behind - end : 0;
    end = std::max(end, behind);
  }
  ++c.requests;
  c.sectors += sectors;
  c.usefulBytes += lanesActive * a.bytes;
  c.idealSectors += (bytes + kSector - 1) / kSector;
}

// 32 banks of 4 bytes: a wavefront serves one word of each bank. 64-bit accesses are served half a warp at a
// time, 128-bit ones a quarter.
void countShared(Access& a) {
  Counters& counters = a.w.worker->counters;
  if (a.use == Use::atomic) counters.atomics += static_cast<uint64_t>(__builtin_popcount(a.mask));
  ++counters.sharedRequests;
  int phases = a.bytes > 8 ? 4 : a.bytes > 4 ? 2 : 1, lanesPerPhase = 32 / phases;
  if (a.contiguous || (a.uniform && phases == 1)) {
    counters.sharedWavefronts += static_cast<uint64_t>(phases);
    return;
  }
  int wordsPerLane = a.bytes > 4 ? static_cast<int>(a.bytes / 4) : 1;
  uint32_t mask = phases == 1 ? a.distinct : a.mask;
  for (int phase = 0; phase < phases; ++phase) {
    uint32_t words[32];
    int n = 0;
    for (int lane = phase * lanesPerPhase; lane < (phase + 1) * lanesPerPhase; ++lane) {
      if ((mask >> lane & 1) == 0) continue;
      for (int i = 0; i < wordsPerLane; ++i)
        words[n++] = static_cast<uint32_t>(a.address[lane] / 4) + static_cast<uint32_t>(i);
    }
    if (n == 0) continue;
    uint64_t waves = wavefronts(words, n);
    counters.sharedWavefronts += waves;
    counters.sharedConflicts += waves - 1;
  }
}

}  // namespace softcuda
