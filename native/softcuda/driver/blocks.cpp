#include "blocks.h"

namespace softcuda {

CUresult allocateBlock(Call& call, const char* function, size_t bytes, Memory::Space space, Block* out) {
  Driver& driver = call.driver;
  Memory& memory = *call.context->device->memory;
  if (injected(driver.settings.allocation, &driver.allocations))
    return refuse(function, driver.settings.allocation.code,
                  "this one fails, as SOFTCUDA_FAIL_ALLOCATION asks");
  out->serial = driver.allocations;
  out->label = std::string(function) + " #" + std::to_string(out->serial);
  out->base = memory.allocate(bytes, space, out->label);
  if (out->base == 0) return CUDA_ERROR_OUT_OF_MEMORY;
  // What the host writes into memory that it sees is not watched.
  if (space != Memory::Space::device) memory.markInitialized(out->base, bytes);
  out->bytes = bytes, out->context = call.context.get(), out->space = space;
  driver.blocks[out->base] = *out;
  return CUDA_SUCCESS;
}

void releaseBlock(Driver& driver, uint64_t base) {
  const auto found = driver.blocks.find(base);
  const Block block = found->second;
  driver.blocks.erase(found);
  block.context->device->memory->release(base);
}

}  // namespace softcuda
