// Stream-ordered allocation and its pools. An address is given at once; the memory goes back when the stream
// gets there.
#include <algorithm>

#include "blocks.h"
#include "call.h"

namespace softcuda {
namespace {

std::shared_ptr<Pool> defaultPool(Call& call, const Device& device) {
  std::shared_ptr<Pool> found;
  call.driver.pools.each([&](const Pool& pool) {
    if (pool.isDefault && pool.device == &device) found = call.driver.pools.find(pool.handle);
  });
  return found;
}

CUresult allocate(Call& call, const char* function, CUdeviceptr* out, size_t bytes, CUmemoryPool poolHandle,
                  CUstream streamHandle) {
  const auto stream = call.driver.stream(*call.context, streamHandle);
  const auto pool =
      poolHandle ? call.driver.pools.find(poolHandle) : defaultPool(call, *call.context->device);
  if (!stream || !pool) return CUDA_ERROR_INVALID_HANDLE;
  if (!out || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  if (stream->capture) {
    stream->capture->invalidated = true;
    return refuse(function, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "memory nodes of graphs are not served");
  }
  Block block;
  block.pool = pool->handle;
  const CUresult result = allocateBlock(call, function, bytes, Memory::Space::device, &block);
  if (result != CUDA_SUCCESS) return result;
  pool->used += bytes;
  pool->usedHigh = std::max(pool->usedHigh, pool->used);
  *out = block.base;
  return CUDA_SUCCESS;
}

enum PoolAttribute {
  followEvents = 1,
  opportunistic = 2,
  internalDependencies = 3,
  releaseThreshold = 4,
  reservedCurrent = 5,
  reservedHigh = 6,
  usedCurrent = 7,
  usedHigh = 8,
};

template <class Body>
CUresult withPool(const char* function, CUmemoryPool handle, const void* result, Body&& body) {
  return guarded(function, Needs::driver, [&](Call& call) {
    const auto pool = call.driver.pools.find(handle);
    if (!pool) return CUDA_ERROR_INVALID_HANDLE;
    return result ? body(*pool) : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult devicePool(const char* function, CUmemoryPool* out, CUdevice ordinal) {
  return guarded(function, Needs::driver, [&](Call& call) {
    if (ordinal < 0 || size_t(ordinal) >= call.driver.devices.size()) return CUDA_ERROR_INVALID_DEVICE;
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    *out = defaultPool(call, *call.driver.devices[ordinal])->handle;
    return CUDA_SUCCESS;
  });
}

}  // namespace

CU_API cuMemAllocAsync(CUdeviceptr* out, size_t bytes, CUstream stream) {
  return guarded(__func__, Needs::context,
                 [&](Call& call) { return allocate(call, "cuMemAllocAsync", out, bytes, nullptr, stream); });
}

CU_API cuMemAllocFromPoolAsync(CUdeviceptr* out, size_t bytes, CUmemoryPool pool, CUstream stream) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    return allocate(call, "cuMemAllocFromPoolAsync", out, bytes, pool, stream);
  });
}

CU_API cuMemFreeAsync(CUdeviceptr base, CUstream streamHandle) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    const auto stream = call.driver.stream(*call.context, streamHandle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    const auto found = call.driver.blocks.find(base);
    if (found == call.driver.blocks.end() || found->second.space != Memory::Space::device)
      return CUDA_ERROR_INVALID_VALUE;
    if (stream->capture) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    if (const auto pool = call.driver.pools.find(found->second.pool)) pool->used -= found->second.bytes;
    call.driver.blocks.erase(found);
    Memory* memory = call.context->device->memory.get();
    submitInOrder(*stream, {},
                  [memory, base] { return memory->release(base) ? CUDA_SUCCESS : CUDA_ERROR_UNKNOWN; });
    return CUDA_SUCCESS;
  });
}

CU_API cuMemPoolCreate(CUmemoryPool* out, const CUmemPoolProps* properties) {
  return guarded(__func__, Needs::driver, [&](Call& call) {
    constexpr int pinned = 1, onDevice = 1;
    if (!out || !properties || properties->allocType != pinned) return CUDA_ERROR_INVALID_VALUE;
    const CUmemLocation& at = properties->location;
    if (at.type != onDevice || properties->handleTypes) return CUDA_ERROR_NOT_SUPPORTED;
    if (at.id < 0 || size_t(at.id) >= call.driver.devices.size()) return CUDA_ERROR_INVALID_VALUE;
    auto pool = std::make_shared<Pool>();
    pool->device = call.driver.devices[at.id].get();
    *out = pool->handle = call.driver.pools.add(pool);
    return CUDA_SUCCESS;
  });
}

CU_API cuMemPoolDestroy(CUmemoryPool handle) {
  return withPool(__func__, handle, &handle, [&](Pool& pool) {
    if (pool.isDefault) return CUDA_ERROR_INVALID_VALUE;
    Driver::get().pools.remove(handle);
    return CUDA_SUCCESS;
  });
}

CU_API cuMemPoolTrimTo(CUmemoryPool handle, size_t) {
  return withPool(__func__, handle, &handle, [](Pool&) { return CUDA_SUCCESS; });
}

CU_API cuMemPoolGetAttribute(CUmemoryPool handle, int attribute, void* value) {
  return withPool(__func__, handle, value, [&](Pool& pool) {
    auto* number = static_cast<uint64_t*>(value);
    switch (attribute) {
      case followEvents:
      case opportunistic:
      case internalDependencies:
        *static_cast<int*>(value) = pool.flags.count(attribute) ? int(pool.flags[attribute]) : 1;
        return CUDA_SUCCESS;
      case releaseThreshold:
        *number = pool.releaseThreshold;
        return CUDA_SUCCESS;
      case reservedCurrent:
      case usedCurrent:
        *number = pool.used;
        return CUDA_SUCCESS;
      case reservedHigh:
      case usedHigh:
        *number = pool.usedHigh;
        return CUDA_SUCCESS;
      default:
        return CUDA_ERROR_INVALID_VALUE;
    }
  });
}

CU_API cuMemPoolSetAttribute(CUmemoryPool handle, int attribute, void* value) {
  return withPool(__func__, handle, value, [&](Pool& pool) {
    switch (attribute) {
      case followEvents:
      case opportunistic:
      case internalDependencies:
        pool.flags[attribute] = uint64_t(*static_cast<int*>(value));
        return CUDA_SUCCESS;
      case releaseThreshold:
        pool.releaseThreshold = *static_cast<uint64_t*>(value);
        return CUDA_SUCCESS;
      case reservedHigh:
      case usedHigh:
        pool.usedHigh = pool.used;
        return CUDA_SUCCESS;
      default:
        return CUDA_ERROR_INVALID_VALUE;
    }
  });
}

CU_API cuDeviceGetDefaultMemPool(CUmemoryPool* out, CUdevice device) {
  return devicePool(__func__, out, device);
}
CU_API cuDeviceGetMemPool(CUmemoryPool* out, CUdevice device) { return devicePool(__func__, out, device); }

}  // namespace softcuda
