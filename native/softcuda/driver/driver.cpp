#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "graph.h"
#include "records.h"
#include "state.h"

namespace softcuda {
namespace {

thread_local std::vector<std::shared_ptr<Context>> stackOfThread;
thread_local uint64_t stackEpoch = 0;

bool breaksContext(CUresult code) {
  switch (int(code)) {
    case 214:  // uncorrectable ECC error
    case 700:
    case 702:
    case 710:
    case 714:
    case 715:
    case 716:
    case 717:
    case 718:
    case 719:
      return true;
    default:
      return false;
  }
}

// Work is done some day even if nobody asks: a host that waits for a callback without a CUDA call goes on.
void progressForEver(Driver& driver) {
  uint64_t mark = 0;
  for (;;) {
    uint64_t milliseconds = 0;
    {
      const std::lock_guard<std::mutex> hold(driver.gate);
      if (driver.ending) return;
      milliseconds = driver.settings.progressMilliseconds;
      mark = driver.queue.progress(mark);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(std::max<uint64_t>(milliseconds, 1)));
  }
}

void reportCount(const char* what, int count, const char* undone) {
  if (count == 0) return;
  const bool one = count == 1;
  reportFinding("leak", std::to_string(count) + ' ' + what + (one ? " is" : "s are") + " never " + undone);
}

void reportLeaks(const Driver& driver, const Context& context) {
  // In a broken context nothing could be given back.
  if (context.sticky != CUDA_SUCCESS) return;
  for (const auto& [base, block] : driver.blocks)
    if (block.context == &context)
      reportFinding("leak", block.label + " of " + std::to_string(block.bytes) + " bytes is never freed");
  int streams = 0, events = 0, modules = 0;
  driver.streams.each([&](const Stream& s) { streams += s.context == &context; });
  driver.events.each([&](const Event& e) { events += e.context == &context; });
  driver.modules.each([&](const LoadedModule& m) { modules += m.context == &context; });
  reportCount("stream", streams, "destroyed");
  reportCount("event", events, "destroyed");
  reportCount("module", modules, "unloaded");
}

// A thread that still runs a kernel keeps the lock; the process ends without a word about leaks then.
bool lockForASecond(std::mutex& gate) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    if (gate.try_lock()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

void lastWords() {
  Driver& driver = Driver::get();
  if (lockForASecond(driver.gate)) {
    driver.ending = true;
    if (driver.settings.leaks)
      driver.contexts.each([&](const Context& context) { reportLeaks(driver, context); });
    driver.gate.unlock();
  }
  dumpCounters();
}

}  // namespace

Driver& Driver::get() {
  static Driver& driver = *new Driver;
  return driver;
}

std::vector<std::shared_ptr<Context>>& contextStack() {
  if (stackEpoch != Driver::get().epoch) stackOfThread.clear();
  stackEpoch = Driver::get().epoch;
  return stackOfThread;
}

std::shared_ptr<Context> currentContext() {
  const auto& stack = contextStack();
  return stack.empty() ? nullptr : stack.back();
}

CUresult Driver::initialize() {
  if (initialized) return CUDA_SUCCESS;
  settings = Settings::fromEnvironment();
  if (!settings.error.empty()) {
    say(settings.error);
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (settings.noDevice) return CUDA_ERROR_NO_DEVICE;
  setRecordFiles(settings);
  queue.configure(settings);
  for (int ordinal = 0; ordinal < settings.devices; ++ordinal) {
    auto device = std::make_unique<Device>();
    device->ordinal = ordinal;
    device->preset = findPreset(settings.preset);
    device->limits = device->preset->limits;
    if (settings.memoryBytes) device->limits.totalMemory = settings.memoryBytes;
    device->memory = std::make_unique<Memory>(device->limits.totalMemory);
    auto pool = std::make_shared<Pool>();
    pool->device = device.get(), pool->isDefault = true;
    pool->handle = pools.add(pool);
    devices.push_back(std::move(device));
  }
  initialized = true;
  static const bool once = [this] {
    std::atexit(lastWords);
    std::thread(progressForEver, std::ref(*this)).detach();
    return true;
  }();
  (void)once;
  return CUDA_SUCCESS;
}

void Driver::reset() {
  queue.dropAll();
  captures.clear();
  graphExecs.clear(), nodes.clear(), graphs.clear();
  events.clear(), functions.clear(), libraries.clear(), modules.clear();
  contexts.each([](Context& context) { context.destroyed = true, context.perThread.clear(); });
  streams.clear(), pools.clear(), blocks.clear(), contexts.clear();
  devices.clear();
  calls = allocations = launches = copies = ids = 0;
  lost = initialized = false;
  ++epoch;
  forgetRecords();
}

std::shared_ptr<Context> Driver::createContext(Device& device, unsigned flags, bool primary) {
  auto context = std::make_shared<Context>();
  context->device = &device, context->flags = flags, context->primary = primary, context->id = ++ids;
  context->limits = {{0, 1024}, {1, 1 << 20}, {2, 8 << 20}, {3, 2}, {4, 2048}, {5, 64}, {6, 0}};
  context->legacy = std::make_shared<Stream>();
  context->legacy->context = context.get(), context->legacy->legacy = true, context->legacy->id = ++ids;
  context->legacy->handle = CU_STREAM_LEGACY;
  context->handle = contexts.add(context);
  return context;
}

void Driver::destroyContext(const std::shared_ptr<Context>& context) {
  queue.awaitAll(*context);
  if (settings.leaks) reportLeaks(*this, *context);
  const auto mine = [&](const auto& object) { return object.context == context.get(); };
  streams.removeIf(mine), events.removeIf(mine);
  functions.removeIf([&](const Function& f) { return f.module->context == context.get(); });
  libraries.removeIf(mine), modules.removeIf(mine);
  for (auto at = blocks.begin(); at != blocks.end();) {
    if (!mine(at->second)) {
      ++at;
      continue;
    }
    context->device->memory->release(at->first);
    at = blocks.erase(at);
  }
  context->destroyed = true;
  contexts.remove(context->handle);
}

std::shared_ptr<Stream> Driver::stream(Context& context, CUstream handle) {
  if (!handle && nullStreamIsPerThread()) handle = CU_STREAM_PER_THREAD;
  if (!handle || handle == CU_STREAM_LEGACY) return context.legacy;
  if (handle != CU_STREAM_PER_THREAD) {
    auto found = streams.find(handle);
    return found && found->context == &context ? found : nullptr;
  }
  auto& own = context.perThread[std::this_thread::get_id()];
  if (!own) {
    own = std::make_shared<Stream>();
    own->context = &context, own->handle = CU_STREAM_PER_THREAD, own->id = ++ids;
  }
  return own;
}

const Block* Driver::blockAt(uint64_t address) const {
  auto at = blocks.upper_bound(address);
  if (at == blocks.begin()) return nullptr;
  --at;
  return address < at->first + at->second.bytes ? &at->second : nullptr;
}

void Context::fail(CUresult code) {
  if (breaksContext(code)) {
    if (sticky == CUDA_SUCCESS) sticky = code;
  } else if (pending == CUDA_SUCCESS) {
    pending = code;
  }
}

CUresult Context::takePending() {
  const CUresult code = pending;
  pending = CUDA_SUCCESS;
  return sticky != CUDA_SUCCESS ? sticky : code;
}

}  // namespace softcuda
