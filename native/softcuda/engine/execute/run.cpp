// The loop that executes warps, and the schedule of a CTA's warps.
#include <algorithm>
#include <numeric>

#include "execute/launch.h"

namespace softcuda {
namespace {

// A warp that for a while only looks at what others change, while lanes of it wait to rejoin, may wait for
// those.
void checkSpinning(Warp& w) {
  constexpr uint64_t kWindow = 4096;
  if (w.executed < w.windowEnd) return;
  bool spins = w.polls >= 64 && w.effects == 0;
  w.windowEnd = w.executed + kWindow;
  w.polls = w.effects = 0;
  if (spins && !w.leaves.empty()) letWaitingGoOn(w);
}

// Runs a warp until its quantum is over or nothing of it can run. The instructions executed.
uint64_t runWarp(Warp& w, uint64_t quantum) {
  Worker& worker = *w.worker;
  uint64_t done = 0;
  w.yield = false;
  while (done < quantum && w.split != nullptr && !w.yield) {
    Split* split = w.split;
    if (split->pc == split->rejoin) {
      arrive(w);
      continue;
    }
    const Instr& in = w.function->code[split->pc];
    w.pc = split->pc++;
    uint32_t mask = split->mask;
    if (in.guard != kNoRef) mask &= predicate(w, in.guard);
    size_t slot = w.function->countBase + w.pc;
    ++worker.warpCounts[slot];
    worker.threadCounts[slot] += static_cast<uint64_t>(__builtin_popcount(mask));
    ++done;
    if (!w.undefined.empty())
      runUndefined(w, in, split->mask, mask);
    else if (mask != 0)
      in.run(w, in, mask);
  }
  w.executed += done;
  checkSpinning(w);
  return done;
}

}  // namespace

std::unique_ptr<Cta> makeCta(Launch& launch, Worker& worker, uint64_t index) {
  auto cta = std::make_unique<Cta>();
  cta->launch = &launch;
  cta->index = index;
  const auto& grid = launch.shape.grid;
  cta->at = {static_cast<uint32_t>(index % grid[0]), static_cast<uint32_t>(index / grid[0] % grid[1]),
             static_cast<uint32_t>(index / grid[0] / grid[1])};
  cta->alive = launch.threadsPerCta;
  cta->shared.assign(launch.sharedBytes, std::byte{0xCD});
  cta->sharedState.assign(launch.sharedBytes, SharedState::unwritten);
  if (launch.checks(Check::sharedRace)) cta->order.words.resize(launch.sharedBytes / 4 + 1);
  uint32_t warps = (launch.threadsPerCta + 31) / 32;
  for (uint32_t i = 0; i < warps; ++i) {
    auto w = std::make_unique<Warp>();
    w->cta = cta.get();
    w->worker = &worker;
    w->index = i;
    std::iota(w->order.begin(), w->order.end(), uint8_t{0});
    std::shuffle(w->order.begin(), w->order.end(), worker.random);
    w->localStride = launch.localStride;
    w->local.assign(32ull * launch.localStride, std::byte{0xCD});
    w->localState.assign(32ull * launch.localStride, SharedState::unwritten);
    w->past.clock.at[i] = 1;
    uint32_t threads = std::min(32u, launch.threadsPerCta - 32 * i);
    start(*w, threads == 32 ? ~0u : (1u << threads) - 1);
    cta->warps.push_back(std::move(w));
  }
  std::shuffle(cta->warps.begin(), cta->warps.end(), worker.random);
  return cta;
}

Slice runCta(Cta& cta, Worker& worker, uint64_t instructions) {
  Launch& launch = *cta.launch;
  uint64_t done = 0;
  size_t idle = 0;  // warps in a row that could not run
  // A CTA whose warps only look at what others change leaves the rest of its slice to those.
  const uint64_t patience = 256 * cta.warps.size();
  uint64_t seenProgress = cta.progress, seenPolls = cta.polls, seenDone = 0;
  for (auto& each : cta.warps) each->worker = &worker;
  while (done < instructions) {
    if (launch.stop) return Slice::finished;
    if (idle >= cta.warps.size()) {
      if (cta.alive == 0) return Slice::finished;
      if (!breakDeadlock(cta)) throw LaunchFault{Fault::timeout, "no thread of a CTA can run"};
      idle = 0;
    }
    Warp& w = *cta.warps[cta.nextWarp];
    cta.nextWarp = cta.nextWarp + 1 == cta.warps.size() ? 0 : cta.nextWarp + 1;
    if (w.split == nullptr && !w.leaves.empty()) pickSplit(w);
    if (w.split == nullptr) {
      ++idle;
      continue;
    }
    idle = 0;
    uint32_t alive = cta.alive;
    // Now and then other lanes of a parted warp have their turn, so that they may wait for one another.
    if (w.leaves.size() > 1) pickSplit(w);
    uint64_t ran = runWarp(w, 64 + worker.random() % 448);
    done += ran;
    if (cta.progress != seenProgress || cta.alive != alive) {
      seenProgress = cta.progress, seenPolls = cta.polls, seenDone = done;
    } else if (done - seenDone > patience && cta.polls - seenPolls > 16) {
      return Slice::expired;
    }
    int64_t left = launch.budget.fetch_sub(static_cast<int64_t>(ran)) - static_cast<int64_t>(ran);
    if (left < 0) throw LaunchFault{Fault::timeout, "the instruction budget is used up"};
    if (cta.alive != alive) releaseBarriers(cta);
    if (cta.alive == 0) return Slice::finished;
  }
  return Slice::expired;
}

}  // namespace softcuda
