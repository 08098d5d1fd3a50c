#include "call.h"
#include "softcuda.h"

#define SOFTCUDA_API extern "C" __attribute__((visibility("default")))

namespace softcuda {
namespace {

// The context whose library work runs on this thread.
thread_local Context* running = nullptr;

CUresult badRange(const char* what, const std::string& why) {
  reportFinding("bounds", std::string(what) + ": " + why);
  return CUDA_ERROR_ILLEGAL_ADDRESS;
}

}  // namespace

SOFTCUDA_API void softcudaReset() {
  Driver& driver = Driver::get();
  const std::lock_guard<std::mutex> hold(driver.gate);
  driver.reset();
}

SOFTCUDA_API int softcudaSet(const char* name, const char* value) {
  Driver& driver = Driver::get();
  const std::lock_guard<std::mutex> hold(driver.gate);
  if (!driver.initialized) {
    say("softcudaSet: call cuInit first");
    return 1;
  }
  Settings changed = driver.settings;
  if (!changed.set(name, value)) {
    say(changed.error);
    return 1;
  }
  driver.settings = changed;
  // A fault is counted from the moment it is asked for.
  driver.calls = driver.allocations = driver.launches = driver.copies = 0;
  setRecordFiles(driver.settings);
  driver.queue.configure(driver.settings);
  return 0;
}

SOFTCUDA_API int softcudaFindings() { return findingCount(); }
SOFTCUDA_API void softcudaDumpCounters() { dumpCounters(); }

SOFTCUDA_API CUresult softcudaEnqueue(CUstream handle, const char* name, CUresult (*run)(void*), void* data,
                                      void (*release)(void*)) {
  const std::shared_ptr<void> owned(data, release);
  return guarded(name, Needs::context, [&](Call& call) {
    const auto stream = call.driver.stream(*call.context, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    Context* context = call.context.get();
    return enqueue(*stream, LibraryWork{name, [=] {
                                          running = context;
                                          const CUresult result = run(owned.get());
                                          running = nullptr;
                                          return result;
                                        }});
  });
}

SOFTCUDA_API CUresult softcudaReadable(const char* what, uint64_t address, size_t bytes) {
  std::string why;
  const Memory& memory = *running->device->memory;
  if (!memory.valid(address, bytes, &why)) return badRange(what, why);
  uint64_t bad = 0;
  const bool watched = Driver::get().settings.checks & static_cast<uint32_t>(Check::uninitialized);
  if (!watched || memory.initialized(address, bytes, &bad)) return CUDA_SUCCESS;
  reportFinding("uninitialized", std::string(what) + ": byte " + std::to_string(bad - address) + " of " +
                                     std::to_string(bytes) + " was never written");
  return CUDA_ERROR_LAUNCH_FAILED;
}

SOFTCUDA_API CUresult softcudaWritten(const char* what, uint64_t address, size_t bytes) {
  std::string why;
  Memory& memory = *running->device->memory;
  if (!memory.valid(address, bytes, &why)) return badRange(what, why);
  memory.markInitialized(address, bytes);
  return CUDA_SUCCESS;
}

SOFTCUDA_API uint64_t softcudaSeed() {
  Driver& driver = Driver::get();
  return driver.settings.seed;
}

}  // namespace softcuda
