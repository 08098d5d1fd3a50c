#include <algorithm>
#include <cstring>
#include <thread>

#include "check/checks.h"
#include "count/counts.h"
#include "execute/launch.h"

namespace softcuda {

void runGrid(Launch& launch, std::vector<std::unique_ptr<Worker>>& workers);

namespace {

std::string wrongShape(const Kernel& kernel, const LaunchShape& shape, size_t parameterBytes,
                       const DeviceLimits& limits) {
  uint64_t threads = 1;
  for (uint32_t each : shape.block) threads *= each;
  for (uint32_t each : shape.grid)
    if (each == 0) return "a grid of no CTAs";
  if (threads == 0) return "a CTA of no threads";
  uint32_t most = kernel.info.maxThreads != 0 ? kernel.info.maxThreads : limits.maxThreadsPerCta;
  if (threads > most)
    return std::to_string(threads) + " threads a CTA, " + std::to_string(most) + " are possible";
  if (shape.block[2] > 64 || shape.grid[1] > 65535 || shape.grid[2] > 65535 || shape.grid[0] > 0x7fffffff)
    return "a dimension of the grid or the CTA is too large";
  uint64_t shared = static_cast<uint64_t>(kernel.info.staticShared) + shape.dynamicShared;
  if (shared > limits.sharedPerCtaOptin)
    return std::to_string(shared) + " bytes of shared memory, " + std::to_string(limits.sharedPerCtaOptin) +
           " are possible";
  if (parameterBytes < kernel.info.parameterBytes)
    return std::to_string(parameterBytes) + " bytes of parameters, the kernel has " +
           std::to_string(kernel.info.parameterBytes);
  return {};
}

// What cooperative_groups keep of a grid: its size and the counter of its barrier, zeroed by the driver.
class GridWorkspace {
 public:
  GridWorkspace(Memory& memory, bool cooperative) : memory_(memory) {
    if (!cooperative) return;
    address_ = memory.allocate(kBytes, Memory::Space::device, "the cooperative grid's workspace");
    if (address_ == 0) return;
    std::memset(reinterpret_cast<void*>(address_), 0, kBytes);
    memory.markInitialized(address_, kBytes);
  }
  ~GridWorkspace() {
    if (address_ != 0) memory_.release(address_);
  }
  GridWorkspace(const GridWorkspace&) = delete;
  GridWorkspace& operator=(const GridWorkspace&) = delete;
  uint64_t address() const { return address_; }

 private:
  static constexpr uint64_t kBytes = 64;
  Memory& memory_;
  uint64_t address_ = 0;
};

}  // namespace

LaunchResult launch(const Kernel& kernel, const LaunchShape& shape, const std::byte* parameters,
                    size_t parameterBytes, Memory& memory, const DeviceLimits& limits,
                    const LaunchOptions& options) {
  LaunchResult result;
  std::string wrong = wrongShape(kernel, shape, parameterBytes, limits);
  if (!wrong.empty()) {
    result.fault = Fault::invalidLaunch;
    result.message = kernel.info.name + ": " + wrong;
    return result;
  }
  Launch run(kernel, shape, parameters, memory, limits, options);
  GridWorkspace workspace(memory, shape.cooperative);
  run.workspace = workspace.address();
  run.threadsPerCta = shape.block[0] * shape.block[1] * shape.block[2];
  run.dynamicSharedBase = (kernel.info.staticShared + 15) / 16 * 16;
  run.sharedBytes = run.dynamicSharedBase + shape.dynamicShared;
  run.localStride = kernel.info.localBytes;
  run.ctaCount = static_cast<uint64_t>(shape.grid[0]) * shape.grid[1] * shape.grid[2];
  run.fenced = kernel.usesFences;
  run.serial = memory.state().launches.fetch_add(1) + 1;
  forgetRaces(run);
  run.budget = static_cast<int64_t>(std::min<uint64_t>(options.instructionBudget, INT64_MAX));
  uint64_t threads = options.threads > 0 ? static_cast<uint64_t>(options.threads)
                                         : std::max(1u, std::thread::hardware_concurrency());
  // Small launches run on the calling thread: starting others takes longer than they save.
  uint64_t work = run.ctaCount * ((run.threadsPerCta + 31) / 32) * kernel.function->code.size();
  if (work < 10'000) threads = 1;
  threads = std::min(threads, run.ctaCount);
  std::vector<std::unique_ptr<Worker>> workers;
  for (uint64_t i = 0; i < threads; ++i) {
    workers.push_back(std::make_unique<Worker>(
        Worker{run, std::mt19937_64(options.seed * 0x9E3779B97F4A7C15ull + i), {}, {}, {}}));
    workers.back()->warpCounts.resize(kernel.program->instructions);
    workers.back()->threadCounts.resize(kernel.program->instructions);
  }
  runGrid(run, workers);
  result.fault = run.fault;
  result.message = run.fault == Fault::none ? "" : kernel.info.name + ": " + run.message;
  result.findings = std::move(run.findings);
  if (result.fault == Fault::none && !result.findings.empty()) {
    result.fault = Fault::trap;
    const std::string& text = result.findings[0].text;
    result.message = kernel.info.name + ": " + text.substr(0, text.find('\n'));
  }
  if (options.count) result.counters = collect(run, workers);
  return result;
}

}  // namespace softcuda
