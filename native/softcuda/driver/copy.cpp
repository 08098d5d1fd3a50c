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

// The destination is as initialised as the source is.
void copyInitialized(Memory& memory, uint64_t destination, uint64_t source, uint64_t bytes) {
  uint64_t bad = 0;
  if (memory.initialized(source, bytes, &bad)) return memory.markInitialized(destination, bytes);
  if (bad > source) memory.markInitialized(destination, bad - source);
  for (uint64_t at = bad - source; at < bytes;) {
    const uint64_t chunk = std::min<uint64_t>(256, bytes - at);
    if (memory.initialized(source + at, chunk, &bad)) {
      memory.markInitialized(destination + at, chunk);
      at += chunk;
    } else {
      if (bad > source + at) memory.markInitialized(destination + at, bad - source - at);
      at = bad - source + 1;
    }
  }
}

CUresult failedAtExecution(const std::string& what, const std::string& why) {
  reportFinding("copy", what + ", when its turn comes: " + why);
  return CUDA_ERROR_ILLEGAL_ADDRESS;
}

}  // namespace

bool validRanges(Context& context, const CopyWork& copy, std::string* why) {
  if (copy.width == 0 || copy.height == 0 || copy.depth == 0) return true;
  const Memory& memory = *context.device->memory;
  const auto& c = copy;
  return (!c.sourceOnDevice ||
          memory.valid(c.source, extent(c.width, c.height, c.depth, c.sourcePitch, c.sourceSlice), why)) &&
         (!c.destinationOnDevice ||
          memory.valid(c.destination,
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
  Memory& memory = *context.device->memory;
  const uint64_t source = copy.staged ? reinterpret_cast<uint64_t>(copy.staged->data()) : copy.source;
  for (uint64_t z = 0; z < copy.depth; ++z)
    for (uint64_t y = 0; y < copy.height; ++y) {
      const uint64_t from = source + z * copy.sourceSlice + y * copy.sourcePitch;
      const uint64_t to = copy.destination + z * copy.destinationSlice + y * copy.destinationPitch;
      std::memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), copy.width);
      if (!copy.destinationOnDevice) continue;
      if (copy.sourceOnDevice)
        copyInitialized(memory, to, from, copy.width);
      else
        memory.markInitialized(to, copy.width);
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
