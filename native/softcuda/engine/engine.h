// The engine of the software CUDA driver: device memory, PTX modules and launches, with checkers and
// counters. Knows nothing of the driver API; native/softcuda/driver stands on it and on nothing else of the
// engine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace softcuda {

// What a launch or a module load fails with; the driver maps it to the code a real one gives.
enum class Fault {
  none,
  illegalAddress,     // CUDA_ERROR_ILLEGAL_ADDRESS 700: out of bounds, freed, host pointer, misaligned is 716
  misalignedAddress,  // 716
  illegalInstruction,  // 715
  trap,  // 719 CUDA_ERROR_LAUNCH_FAILED: trap, failed checks that no hardware reports (races, uninitialised)
  deviceAssert,    // 710
  timeout,         // 702: the instruction budget is used up
  invalidLaunch,   // 1: a shape beyond the device's limits, a wrong parameter size
  outOfResources,  // 701
};

enum class Check : uint32_t {
  bounds = 1,  // allocation table, shared, local, parameter space, alignment, use after free: cannot be
               // switched off
  uninitialized = 2,  // reads of bytes that nothing has written
  sharedRace = 4,     // between barriers of a CTA, within a warp without __syncwarp too
  globalRace = 8,     // between CTAs of one launch, neither access atomic
  barrier = 16,       // divergence, inactive lanes named in a shuffle or vote mask
  all = 31,
};

// One thing a checker found. `text` is the whole report in lines: what, kernel, source line (-lineinfo) and
// PTX line, CTA, thread, address, distance to the nearest allocation.
struct Finding {
  Check check;
  std::string kernel;
  std::string source;  // file:line, empty without -lineinfo
  uint32_t ptxLine = 0;
  std::array<uint32_t, 3> cta{}, thread{};
  uint64_t address = 0;
  std::string text;
};

// A failed load of a module: the PTX line and what is wrong or not known.
struct PtxError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Limits and attributes of a device preset that a launch is checked against.
struct DeviceLimits {
  int computeMajor = 9, computeMinor = 0;
  int multiprocessors = 132;
  uint32_t maxThreadsPerCta = 1024;
  uint32_t sharedPerCta = 49152, sharedPerCtaOptin = 232448, sharedPerSm = 233472;
  uint32_t registersPerSm = 65536, threadsPerSm = 2048, ctasPerSm = 32;
  uint64_t totalMemory = 80ull << 30;
  uint64_t l2Bytes = 50ull << 20;
};

// Memory that device code may touch. A device address is a host address inside one reserved range, never
// given twice; fresh memory is filled with 0xCD and counts as uninitialised. Thread-safe.
class Memory {
 public:
  enum class Space { device, pinnedHost, registeredHost, managed };
  struct Allocation {
    uint64_t base = 0, bytes = 0;
    Space space = Space::device;
    uint64_t serial = 0;
    std::string label;  // shown in findings: "cuMemAlloc #17", "global W of module …"
    bool freed = false;
  };

  explicit Memory(uint64_t capacity);
  ~Memory();
  uint64_t allocate(uint64_t bytes, Space, std::string label);          // 0: out of memory
  void adopt(uint64_t hostAddress, uint64_t bytes, std::string label);  // cuMemHostRegister: initialised
  bool release(uint64_t base);                           // false: no live allocation begins there
  bool find(uint64_t address, Allocation* found) const;  // the live or freed allocation that holds it
  // Whether [address, address + bytes) lies within one live allocation; else *why says how it does not.
  bool valid(uint64_t address, uint64_t bytes, std::string* why) const;
  void markInitialized(uint64_t address, uint64_t bytes);
  bool initialized(uint64_t address, uint64_t bytes, uint64_t* firstBad) const;
  uint64_t used() const;  // device bytes in live allocations

  struct State;
  State& state() const { return *state_; }  // for the engine's own parts

 private:
  std::unique_ptr<State> state_;
};

class Kernel;

struct KernelInfo {
  std::string name;
  uint32_t parameterBytes = 0;                                // the parameter block, with padding
  std::vector<std::pair<uint32_t, uint32_t>> parameters;      // offset, size of each
  uint32_t staticShared = 0, localBytes = 0, maxThreads = 0;  // maxThreads: .maxntid or the device's
  std::vector<std::string> opcodes;                           // full opcodes that occur, sorted
};

// A parsed PTX module. Its globals are allocated in `memory` and freed with it. Immutable after load;
// thread-safe.
class Module {
 public:
  // Throws PtxError, with the line, for anything that this engine does not know.
  static std::unique_ptr<Module> load(std::string_view ptx, Memory& memory, const DeviceLimits& limits);
  ~Module();
  const Kernel* kernel(std::string_view name) const;  // null: no such
  std::vector<const Kernel*> kernels() const;
  bool global(std::string_view name, uint64_t* address, uint64_t* bytes) const;
  struct State;

 private:
  Module();
  std::unique_ptr<State> state_;
};

const KernelInfo& info(const Kernel&);

// What one kernel's launches did; independent of the schedule but for kernels that spin. Adds up with +=.
struct Counters {
  uint64_t launches = 0, ctas = 0, warps = 0;
  uint64_t warpInstructions = 0, threadInstructions = 0;
  std::map<std::string, uint64_t>
      byClass;  // thread instructions: fma, int, mma, load, store, shared, shuffle, control …
  uint64_t mma = 0, mmaFlops = 0;  // warp instructions, operations
  struct Access {
    uint64_t requests = 0, sectors = 0,
             usefulBytes = 0;   // requests a warp; 32-byte sectors; bytes that threads asked for
    uint64_t idealSectors = 0;  // ceil(distinct bytes of each request / 32)
  };
  Access globalLoad, globalStore;
  uint64_t distinctLoadBytes = 0,
           distinctStoreBytes = 0;  // of the distinct 32-byte sectors a launch touches: least DRAM
  uint64_t atomics = 0, sharedRequests = 0, sharedWavefronts = 0,
           sharedConflicts = 0;  // conflicts = wavefronts − ideal
  uint64_t branches = 0, divergentBranches = 0, barriers = 0, localRequests = 0;
  Counters& operator+=(const Counters&);
  std::string json() const;  // one object, one line
};

struct LaunchShape {
  std::array<uint32_t, 3> grid{1, 1, 1}, block{1, 1, 1};
  uint32_t dynamicShared = 0;
  bool cooperative = false;
};

struct LaunchOptions {
  uint64_t seed = 0;  // order of lanes' effects, warps and CTAs
  uint32_t checks = static_cast<uint32_t>(Check::all);
  bool count = true;
  int threads = 0;                              // host threads; 0: as many as the machine has
  uint64_t instructionBudget = 1ull << 40;      // warp instructions
  std::function<void(std::string_view)> print;  // printf of device code; default stdout
};

struct LaunchResult {
  Fault fault = Fault::none;
  std::string message;            // one line; empty where fault is none
  std::vector<Finding> findings;  // at most 16 a launch
  Counters counters;
};

// Runs a whole grid and returns when it has ended. `parameters` is the kernel's parameter block.
// All resident CTAs make progress (warps are preempted), so a kernel that waits for a lower CTA ends.
LaunchResult launch(const Kernel&, const LaunchShape&, const std::byte* parameters, size_t parameterBytes,
                    Memory&, const DeviceLimits&, const LaunchOptions&);

}  // namespace softcuda
