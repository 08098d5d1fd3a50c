// Allocation: device, pitched, managed and pinned host memory, registered host memory, information.
#include <cstring>

#include "blocks.h"
#include "call.h"

namespace softcuda {
namespace {

CUresult allocateNow(const char* function, CUdeviceptr* out, size_t bytes, Memory::Space space) {
  return guarded(function, Needs::context, [&](Call& call) {
    if (!out || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    if (const CUresult refused = forbidDuringCapture(call, function)) return refused;
    Block block;
    const CUresult result = allocateBlock(call, function, bytes, space, &block);
    if (result == CUDA_SUCCESS) *out = block.base;
    return result;
  });
}

CUresult allocateHost(const char* function, void** out, size_t bytes, unsigned flags) {
  return guarded(function, Needs::context, [&](Call& call) {
    if (!out || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    if (const CUresult refused = forbidDuringCapture(call, function)) return refused;
    Block block;
    block.flags = flags;
    const CUresult result = allocateBlock(call, function, bytes, Memory::Space::pinnedHost, &block);
    if (result == CUDA_SUCCESS) *out = reinterpret_cast<void*>(block.base);
    return result;
  });
}

bool isHost(const Block& block) {
  return block.space == Memory::Space::pinnedHost || block.space == Memory::Space::registeredHost;
}

CUresult hostRegister(const char* function, void* host, size_t bytes, unsigned flags) {
  return guarded(function, Needs::context, [&](Call& call) {
    if (!host || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    const uint64_t base = reinterpret_cast<uint64_t>(host);
    const auto next = call.driver.blocks.lower_bound(base);
    if (call.driver.blockAt(base) || (next != call.driver.blocks.end() && next->first < base + bytes))
      return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
    if (injected(call.driver.settings.allocation, &call.driver.allocations))
      return call.driver.settings.allocation.code;
    Block block;
    block.base = base, block.bytes = bytes, block.context = call.context.get(), block.flags = flags;
    block.space = Memory::Space::registeredHost, block.serial = call.driver.allocations;
    block.label = std::string(function) + " #" + std::to_string(block.serial);
    call.context->device->memory->adopt(base, bytes, block.label);
    call.driver.blocks[base] = block;
    return CUDA_SUCCESS;
  });
}

CUresult freeBlock(const char* function, uint64_t base, CUresult otherwise, bool (*matches)(const Block&)) {
  return guarded(function, Needs::context, [&](Call& call) {
    const auto found = call.driver.blocks.find(base);
    if (found == call.driver.blocks.end() || !matches(found->second)) {
      char text[64];
      std::snprintf(text, sizeof text, "no live allocation begins at 0x%llx",
                    static_cast<unsigned long long>(base));
      return refuse(function, otherwise, text);
    }
    if (const CUresult refused = forbidDuringCapture(call, function)) return refused;
    // As the real driver: memory is given back when the work that may use it has ended.
    call.driver.queue.awaitAll(*found->second.context);
    releaseBlock(call.driver, base);
    return CUDA_SUCCESS;
  });
}

}  // namespace

CU_API cuMemAlloc_v2(CUdeviceptr* out, size_t bytes) {
  return allocateNow(__func__, out, bytes, Memory::Space::device);
}

CU_API cuMemAllocManaged(CUdeviceptr* out, size_t bytes, unsigned flags) {
  if (flags != 1 && flags != 2) return CUDA_ERROR_INVALID_VALUE;
  return allocateNow(__func__, out, bytes, Memory::Space::managed);
}

CU_API cuMemAllocPitch_v2(CUdeviceptr* out, size_t* pitch, size_t width, size_t height,
                          unsigned elementBytes) {
  if (!pitch || width == 0 || height == 0 || (elementBytes != 4 && elementBytes != 8 && elementBytes != 16))
    return CUDA_ERROR_INVALID_VALUE;
  constexpr size_t alignment = 512;
  const size_t row = (width + alignment - 1) / alignment * alignment;
  const CUresult result = allocateNow(__func__, out, row * height, Memory::Space::device);
  if (result == CUDA_SUCCESS) *pitch = row;
  return result;
}

CU_API cuMemFree_v2(CUdeviceptr base) {
  if (base == 0) return CUDA_SUCCESS;
  return freeBlock(__func__, base, CUDA_ERROR_INVALID_VALUE,
                   [](const Block& block) { return !isHost(block); });
}

CU_API cuMemAllocHost_v2(void** out, size_t bytes) { return allocateHost(__func__, out, bytes, 0); }
CU_API cuMemHostAlloc(void** out, size_t bytes, unsigned flags) {
  return allocateHost(__func__, out, bytes, flags);
}

CU_API cuMemFreeHost(void* host) {
  if (!host) return CUDA_SUCCESS;
  return freeBlock(__func__, reinterpret_cast<uint64_t>(host), CUDA_ERROR_INVALID_VALUE,
                   [](const Block& block) { return block.space == Memory::Space::pinnedHost; });
}

CU_API cuMemHostRegister_v2(void* host, size_t bytes, unsigned flags) {
  return hostRegister(__func__, host, bytes, flags);
}

CU_API cuMemHostUnregister(void* host) {
  return freeBlock(__func__, reinterpret_cast<uint64_t>(host), CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED,
                   [](const Block& block) { return block.space == Memory::Space::registeredHost; });
}

CU_API cuMemHostGetDevicePointer_v2(CUdeviceptr* out, void* host, unsigned flags) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    if (!out || flags) return CUDA_ERROR_INVALID_VALUE;
    const Block* block = call.driver.blockAt(reinterpret_cast<uint64_t>(host));
    if (!block || !isHost(*block)) return CUDA_ERROR_INVALID_VALUE;
    *out = reinterpret_cast<uint64_t>(host);  // one address space
    return CUDA_SUCCESS;
  });
}

CU_API cuMemHostGetFlags(unsigned* out, void* host) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    const Block* block = call.driver.blockAt(reinterpret_cast<uint64_t>(host));
    if (!out || !block || !isHost(*block)) return CUDA_ERROR_INVALID_VALUE;
    *out = block->flags;
    return CUDA_SUCCESS;
  });
}

CU_API cuMemGetInfo_v2(size_t* free, size_t* total) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    if (!free || !total) return CUDA_ERROR_INVALID_VALUE;
    const Device& device = *call.context->device;
    *total = device.limits.totalMemory;
    *free = *total - device.memory->used();
    return CUDA_SUCCESS;
  });
}

CU_API cuMemGetAddressRange_v2(CUdeviceptr* base, size_t* bytes, CUdeviceptr address) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    Memory::Allocation found;
    if (!call.context->device->memory->find(address, &found) || found.freed) return CUDA_ERROR_NOT_FOUND;
    if (base) *base = found.base;
    if (bytes) *bytes = found.bytes;
    return CUDA_SUCCESS;
  });
}

// Hints about managed memory: the range is checked, nothing moves.
CU_API cuMemAdvise(CUdeviceptr address, size_t bytes, int, CUdevice) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    const Block* block = call.driver.blockAt(address);
    const bool good =
        block && block->space == Memory::Space::managed && address + bytes <= block->base + block->bytes;
    return good ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

CU_API cuMemAdvise_v2(CUdeviceptr address, size_t bytes, int advice, CUmemLocation) {
  return cuMemAdvise(address, bytes, advice, 0);
}
CU_API cuMemPrefetchAsync_v2(CUdeviceptr address, size_t bytes, CUmemLocation, unsigned, CUstream) {
  return cuMemAdvise(address, bytes, 0, 0);
}
CU_API cuMemPrefetchAsync(CUdeviceptr address, size_t bytes, CUdevice device, CUstream) {
  return cuMemAdvise(address, bytes, 0, device);
}

}  // namespace softcuda
