// One launch in execution: what its CTAs share, and a CTA.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "execute/warp.h"
#include "memory/memory.h"

namespace softcuda {

// Ends a launch from inside a handler.
struct LaunchFault {
  Fault fault;
  std::string message;
};

struct Launch {
  Launch(const Kernel& k, const LaunchShape& s, const std::byte* p, Memory& m, const DeviceLimits& l,
         const LaunchOptions& o)
      : kernel(k),
        shape(s),
        parameters(p),
        parameterBytes(k.info.parameterBytes),
        memory(m),
        limits(l),
        options(o) {}

  const Kernel& kernel;
  LaunchShape shape;
  const std::byte* parameters;
  size_t parameterBytes;
  Memory& memory;
  const DeviceLimits& limits;
  const LaunchOptions& options;
  uint32_t threadsPerCta = 0, sharedBytes = 0, dynamicSharedBase = 0;
  uint32_t localStride = 0;  // bytes of local memory a thread
  uint32_t serial = 0;
  uint64_t ctaCount = 0;
  uint64_t workspace = 0;  // address of a cooperative grid's barrier, else 0

  std::atomic<int64_t> budget{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;  // of what follows
  Fault fault = Fault::none;
  std::string message;
  std::vector<Finding> findings;
  std::set<std::pair<uint32_t, const Instr*>> reported;
  bool fenced = false;  // the kernel has fences or accesses that act as one
  GlobalOrder order;

  bool checks(Check check) const { return (options.checks & static_cast<uint32_t>(check)) != 0; }
  void fail(Fault why, const std::string& what);
};

// What one host thread has for itself while it runs CTAs.
struct Worker {
  Launch& launch;
  std::mt19937_64 random;
  std::vector<uint64_t> warpCounts, threadCounts;  // by instruction of the module
  Counters counters;
  uint64_t firstAddress = 0, endAddress = 0;  // of the allocation that was found last
  uint64_t generation = ~0ull;
};

struct Barrier {
  uint32_t arrived = 0;
  uint32_t expected = 0;  // threads; 0: all that live
  uint32_t reduced = 0;   // popc of the predicate
  Clock past;             // of those who have arrived
  Known known;
  std::vector<std::pair<Warp*, Split*>> waiting;
};

// What a byte of shared memory holds; undefined: a value that was undefined itself was stored there.
namespace SharedState {
constexpr uint8_t unwritten = 0, written = 1, copying = 2, undefined = 3;
}

struct Cta {
  Launch* launch = nullptr;
  std::array<uint32_t, 3> at{};
  uint64_t index = 0;
  uint32_t alive = 0;  // threads
  std::vector<std::byte> shared;
  std::vector<uint8_t> sharedState;  // by byte, SharedState
  std::vector<std::unique_ptr<Warp>> warps;
  std::array<Barrier, 17> barriers;
  size_t nextWarp = 0;
  SharedOrder order;
  uint64_t polls = 0;     // looks at what others may change
  uint64_t progress = 0;  // stores, barriers: what a CTA that spins does not do
};

// splits.cpp
void start(Warp& w, uint32_t lanes);  // the kernel's first frame
void select(Warp& w, Split* split);   // makes it the one that runs
void pickSplit(Warp& w);              // another one that is ready; none: split becomes null
Frame* makeFrame(Warp& w, const Function& function, uint32_t localBase);
void dropFrame(Warp& w, Frame* frame);
struct Path {
  uint32_t mask = 0, pc = 0;
};
void part(Warp& w, std::vector<Path>& paths, uint32_t rejoin);
void arrive(Warp& w);                               // the running split is where it rejoins
void enter(Warp& w, Frame* callee, uint32_t mask);  // the running split waits for the callee's return
void exitLanesOf(Warp& w, uint32_t mask);
void letWaitingGoOn(Warp& w);             // lanes that wait for spinning ones to rejoin no longer do
void block(Warp& w, Split::State state);  // the running split waits; another one runs

// barriers.cpp
void releaseBarriers(Cta& cta);  // those that an exit has completed
bool breakDeadlock(Cta& cta);    // nothing can run: reports why and lets something go on

// run.cpp
enum class Slice { finished, expired };
Slice runCta(Cta& cta, Worker& worker, uint64_t instructions);
std::unique_ptr<Cta> makeCta(Launch& launch, Worker& worker, uint64_t index);

// report.cpp: a finding about lane `lane` of `w` at its current instruction; address 0: none.
void report(Warp& w, Check check, int lane, uint64_t address, const std::string& what);
// Source line, PTX line and opcode of an instruction.
std::string placeOf(const ModuleProgram& program, const Function& function, uint32_t pc);
std::array<uint32_t, 3> threadOf(const Cta& cta, uint32_t warp, int lane);

}  // namespace softcuda
