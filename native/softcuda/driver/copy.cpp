// Runs copies and memsets when their turn comes.
#include <algorithm>
#include <cstring>

#include "call.h"
#include "state.h"

namespace softcuda {
namespace {

uint64_t extent(uint64_t width, uint64_t height, uint64_t depth, uint64_t pitch, uint64_t slice) {
  return (depth - 1) * slice + (height - 1) * pitch + width;
}

// The memory of the device whose allocation holds an address: a copy may go between two devices.
Memory& memoryOf(Context& context, uint64_t address) {
  const Block* block = Driver::get().blockAt(address);
  return *(block ? block->context->device : context.device)->memory;
}

// The destination is as initialised as the source is.
void copyInitialized(Context& context, uint64_t destination, uint64_t source, uint64_t bytes) {
  const Memory& from = memoryOf(context, source);
  Memory& to = memoryOf(context, destination);
  for (uint64_t at = 0; at < bytes;) {
    constexpr uint64_t most = 256;
    uint64_t bad = 0;
    // All of it as a rule; else in pieces, so that what is asked again after each bad byte stays short.
    const uint64_t chunk = at == 0 ? bytes : std::min(most, bytes - at);
    const bool whole = from.initialized(source + at, chunk, &bad);
    const uint64_t good = whole ? chunk : bad - source - at;
    if (good > 0) to.markInitialized(destination + at, good);
    at += whole ? chunk : good + 1;
  }
}

CUresult failedAtExecution(const std::string& what, const std::string& why) {
  reportFinding("copy", what + ", when its turn comes: " + why);
  return CUDA_ERROR_ILLEGAL_ADDRESS;
}

}  // namespace

bool validRanges(Context& context, const CopyWork& copy, std::string* why) {
  if (copy.width == 0 || copy.height == 0 || copy.depth == 0) return true;
  const auto& c = copy;
  return (!c.sourceOnDevice ||
          memoryOf(context, c.source)
              .valid(c.source, extent(c.width, c.height, c.depth, c.sourcePitch, c.sourceSlice), why)) &&
         (!c.destinationOnDevice ||
          memoryOf(context, c.destination)
              .valid(c.destination,
                     extent(c.width, c.height, c.depth, c.destinationPitch, c.destinationSlice), why));
}

bool validRanges(Context& context, const MemsetWork& work, std::string* why) {
  const auto& m = work.asked;
  if (m.width == 0 || m.height == 0) return true;
  return context.device->memory->valid(m.dst, extent(m.width * m.elementSize, m.height, 1, m.pitch, 0), why);
}

CUresult execute(Context& context, const CopyWork& copy) {
  Driver& driver = Driver::get();
  if (injected(driver.settings.copy, &driver.copies)) {
    say("a copy fails, as SOFTCUDA_FAIL_COPY asks");
    return driver.settings.copy.code;
  }
  std::string why;
  if (!validRanges(context, copy, &why)) return failedAtExecution("a copy", why);
  const uint64_t source = copy.staged ? reinterpret_cast<uint64_t>(copy.staged->data()) : copy.source;
  for (uint64_t z = 0; z < copy.depth; ++z)
    for (uint64_t y = 0; y < copy.height; ++y) {
      const uint64_t from = source + z * copy.sourceSlice + y * copy.sourcePitch;
      const uint64_t to = copy.destination + z * copy.destinationSlice + y * copy.destinationPitch;
      std::memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), copy.width);
      if (!copy.destinationOnDevice) continue;
      if (copy.sourceOnDevice)
        copyInitialized(context, to, from, copy.width);
      else
        memoryOf(context, to).markInitialized(to, copy.width);
    }
  return CUDA_SUCCESS;
}

CUresult execute(Context& context, const MemsetWork& work) {
  std::string why;
  if (!validRanges(context, work, &why)) return failedAtExecution("a memset", why);
  const auto& m = work.asked;
  for (size_t y = 0; y < m.height; ++y) {
    char* row = reinterpret_cast<char*>(m.dst + y * m.pitch);
    if (m.elementSize == 1)
      std::memset(row, int(m.value), m.width);
    else
      for (size_t x = 0; x < m.width; ++x) std::memcpy(row + x * m.elementSize, &m.value, m.elementSize);
    context.device->memory->markInitialized(m.dst + y * m.pitch, m.width * m.elementSize);
  }
  return CUDA_SUCCESS;
}

}  // namespace softcuda
