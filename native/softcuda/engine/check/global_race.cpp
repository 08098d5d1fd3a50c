// Races in global memory between CTAs of one launch: two accesses of a word, one of them a write, neither
// atomic, that no chain of fence, atomic and barrier puts in an order.
#include <cstring>

#include "check/checks.h"

namespace softcuda {
namespace {

// An access in 64 bits: CTA 24, warp 5, bytes 4, strong 1, clock 20, launch 10. 0: none of this launch.
constexpr uint64_t kCtaLimit = (1ull << 24) - 1;
constexpr uint32_t kClockLimit = (1u << 20) - 1;
constexpr uint32_t kSerials = 1023;  // a launch's number; before one comes again, all accesses are forgotten

struct Past {
  uint64_t bits;
  uint64_t cta() const { return bits >> 40; }
  uint32_t warp() const { return static_cast<uint32_t>(bits >> 35) & 31; }
  uint8_t bytes() const { return static_cast<uint8_t>(bits >> 31 & 15); }
  bool strong() const { return (bits >> 30 & 1) != 0; }
  uint32_t clock() const { return static_cast<uint32_t>(bits >> 10) & kClockLimit; }
  uint32_t serial() const { return static_cast<uint32_t>(bits & kSerials); }
};

uint64_t packed(const Warp& w, uint8_t bytes, bool strong) {
  uint32_t clock = std::min(w.past.clock.at[w.index], kClockLimit);
  return w.cta->index << 40 | static_cast<uint64_t>(w.index) << 35 | static_cast<uint64_t>(bytes) << 31 |
         static_cast<uint64_t>(strong) << 30 | static_cast<uint64_t>(clock) << 10 |
         (w.cta->launch->serial & kSerials);
}

void complain(const Access& a, int lane, const Past& other, const char* mine, const char* theirs) {
  const auto& grid = a.w.cta->launch->shape.grid;
  uint64_t index = other.cta();
  std::string cta = "(" + std::to_string(index % grid[0]) + "," + std::to_string(index / grid[0] % grid[1]) +
                    "," + std::to_string(index / grid[0] / grid[1]) + ")";
  std::string where;
  Memory::Allocation allocation;
  if (a.w.cta->launch->memory.find(a.address[lane], &allocation))
    where = std::to_string(a.address[lane] - allocation.base) + " bytes into " + allocation.label;
  report(a.w, Check::globalRace, lane, a.address[lane],
         "race in global memory " + where + ": this " + mine + " and the " + theirs + " by CTA " + cta +
             ", warp " + std::to_string(other.warp()) + ", without a fence and an atomic that order them");
}

bool races(const Access& a, const Past& other, uint8_t bytes, bool strong) {
  const Warp& w = a.w;
  if (other.bits == 0 || other.serial() != (w.cta->launch->serial & kSerials) || other.cta() == w.cta->index)
    return false;
  if ((other.bytes() & bytes) == 0 || (strong && other.strong())) return false;
  return !knows(w, other.cta(), other.warp(), other.clock());
}

bool unchanged(const Access& a, int lane) {
  return a.values != nullptr && std::memcmp(a.values + 16 * lane, a.host[lane], a.bytes) == 0;
}

}  // namespace

void forgetRaces(Launch& launch) {
  Memory::State& memory = launch.memory.state();
  if ((launch.serial & kSerials) == 0) memory.races.drop(0, memory.races.bytes());
}

void checkGlobalRace(Access& a) {
  Warp& w = a.w;
  Launch& launch = *w.cta->launch;
  const Memory::State& memory = launch.memory.state();
  if (launch.ctaCount == 1 || launch.ctaCount > kCtaLimit || a.detail.readOnly) return;
  bool atomic = a.use == Use::atomic;
  bool strong = atomic || a.detail.isVolatile || a.detail.order != MemoryDetail::Order::weak;
  bool releases =
      a.detail.order == MemoryDetail::Order::release || a.detail.order == MemoryDetail::Order::acqRel;
  if (strong && releases) orderFence(w);
  for (uint32_t left = a.mask; left != 0; left &= left - 1) {
    int lane = __builtin_ctz(left);
    if (!memory.inside(a.address[lane])) continue;
    uint64_t word = (a.address[lane] - memory.base()) / 4,
             last = (a.address[lane] + a.bytes - 1 - memory.base()) / 4;
    uint8_t bytes = a.bytes >= 4 ? 15 : static_cast<uint8_t>(((1u << a.bytes) - 1) << (a.address[lane] & 3));
    uint64_t flag = a.address[lane] & ~7ull;
    if (strong && launch.fenced) {
      if (a.use != Use::store) acquire(w, flag);
      if (a.use != Use::load) publish(w, flag);
    }
    uint64_t mine = packed(w, bytes, strong);
    for (; word <= last; ++word) {
      auto* slots = reinterpret_cast<uint64_t*>(memory.races.data()) + 2 * word;
      Past write{__atomic_load_n(&slots[0], __ATOMIC_RELAXED)};
      bool benign = a.use == Use::store && unchanged(a, lane);
      if (!benign && races(a, write, bytes, strong))
        complain(a, lane, write, a.use == Use::load ? "read" : "write", "write");
      if (a.use == Use::load) {
        if (slots[1] != mine) __atomic_store_n(&slots[1], mine, __ATOMIC_RELAXED);
        continue;
      }
      Past read{__atomic_load_n(&slots[1], __ATOMIC_RELAXED)};
      if (races(a, read, bytes, strong)) complain(a, lane, read, "write", "read");
      __atomic_store_n(&slots[0], mine, __ATOMIC_RELAXED);
    }
  }
}

}  // namespace softcuda
