// What is known of a kernel: attributes, parameters, occupancy.
#include <algorithm>
#include <cstring>

#include "launch.h"

namespace softcuda {
namespace {

// PTX has virtual registers only; ptxas alone knows the number. A plausible one, the same for every kernel.
constexpr int assumedRegisters = 32;

template <class Body>
CUresult withFunction(const char* entryPoint, CUfunction handle, const void* result, Body&& body) {
  return guarded(entryPoint, Needs::context, [&](Call& call) {
    const auto function = call.driver.functions.find(handle);
    if (!function) return CUDA_ERROR_INVALID_HANDLE;
    return result ? body(*function) : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult getAttribute(const char* entryPoint, int* out, int attribute, CUfunction handle) {
  return withFunction(entryPoint, handle, out, [&](Function& function) {
    const KernelInfo& kernel = info(*function.kernel);
    const DeviceLimits& limits = function.module->context->device->limits;
    switch (attribute) {
      case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
        *out = int(kernel.maxThreads);
        break;
      case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
        *out = int(kernel.staticShared);
        break;
      case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
        *out = int(kernel.localBytes);
        break;
      case CU_FUNC_ATTRIBUTE_NUM_REGS:
        *out = assumedRegisters;
        break;
      case CU_FUNC_ATTRIBUTE_PTX_VERSION:
      case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
        *out = limits.computeMajor * 10 + limits.computeMinor;
        break;
      case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
        *out = function.maxDynamicShared;
        break;
      case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
        *out = function.sharedCarveout;
        break;
      default:
        if (attribute < 0 || attribute > 15) return CUDA_ERROR_INVALID_VALUE;
        *out = 0;
    }
    return CUDA_SUCCESS;
  });
}

CUresult setAttribute(const char* entryPoint, int attribute, int value, CUfunction handle) {
  return withFunction(entryPoint, handle, &value, [&](Function& function) {
    const uint32_t most = function.module->context->device->limits.sharedPerCtaOptin;
    const uint32_t fixed = info(*function.kernel).staticShared;
    if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) {
      if (value < -1 || value > 100) return CUDA_ERROR_INVALID_VALUE;
      function.sharedCarveout = value;
      return CUDA_SUCCESS;
    }
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0)
      return CUDA_ERROR_INVALID_VALUE;
    if (uint64_t(value) + fixed > most)
      return refuse(entryPoint, CUDA_ERROR_INVALID_VALUE,
                    info(*function.kernel).name + ": " + std::to_string(value) + " bytes of dynamic and " +
                        std::to_string(fixed) + " of static shared memory, the device has " +
                        std::to_string(most));
    function.maxDynamicShared = value;
    return CUDA_SUCCESS;
  });
}

CUresult parameter(const char* entryPoint, CUfunction handle, size_t index, size_t* offset, size_t* size) {
  return withFunction(entryPoint, handle, offset, [&](Function& function) {
    const auto& parameters = info(*function.kernel).parameters;
    if (index >= parameters.size()) return CUDA_ERROR_INVALID_VALUE;
    *offset = parameters[index].first;
    if (size) *size = parameters[index].second;
    return CUDA_SUCCESS;
  });
}

CUresult name(const char* entryPoint, const char** out, CUfunction handle) {
  return withFunction(entryPoint, handle, out, [&](Function& function) {
    *out = info(*function.kernel).name.c_str();
    return CUDA_SUCCESS;
  });
}

CUresult occupancy(const char* entryPoint, int* out, CUfunction handle, int threads, size_t dynamicShared) {
  return withFunction(entryPoint, handle, out, [&](Function& function) {
    if (threads <= 0) return CUDA_ERROR_INVALID_VALUE;
    *out = residentCtas(function, unsigned(threads), dynamicShared);
    return CUDA_SUCCESS;
  });
}

using SharedOfBlock = size_t (*)(int blockSize);

// The block with the most resident threads a multiprocessor, the larger one where they tie.
CUresult bestBlock(const char* entryPoint, int* grid, int* block, CUfunction handle, SharedOfBlock sharedOf,
                   size_t shared, int limit) {
  return withFunction(entryPoint, handle, grid && block ? grid : nullptr, [&](Function& function) {
    int most = int(info(*function.kernel).maxThreads), bestThreads = 0;
    if (limit > 0) most = std::min(most, limit);
    *grid = *block = 0;
    for (int threads = most; threads > 0; threads = (threads - 1) / 32 * 32) {
      const int ctas = residentCtas(function, unsigned(threads), sharedOf ? sharedOf(threads) : shared);
      if (ctas * threads <= bestThreads) continue;
      bestThreads = ctas * threads;
      *block = threads, *grid = ctas * function.module->context->device->limits.multiprocessors;
    }
    return CUDA_SUCCESS;
  });
}

CUfunction asFunction(CUkernel kernel) { return reinterpret_cast<CUfunction>(kernel); }

}  // namespace

CU_API cuFuncGetAttribute(int* out, int attribute, CUfunction function) {
  return getAttribute(__func__, out, attribute, function);
}
CU_API cuKernelGetAttribute(int* out, int attribute, CUkernel kernel, CUdevice) {
  return getAttribute(__func__, out, attribute, asFunction(kernel));
}
CU_API cuFuncSetAttribute(CUfunction function, int attribute, int value) {
  return setAttribute(__func__, attribute, value, function);
}
CU_API cuKernelSetAttribute(int attribute, int value, CUkernel kernel, CUdevice) {
  return setAttribute(__func__, attribute, value, asFunction(kernel));
}
CU_API cuFuncGetParamInfo(CUfunction function, size_t index, size_t* offset, size_t* size) {
  return parameter(__func__, function, index, offset, size);
}
CU_API cuKernelGetParamInfo(CUkernel kernel, size_t index, size_t* offset, size_t* size) {
  return parameter(__func__, asFunction(kernel), index, offset, size);
}
CU_API cuFuncGetName(const char** out, CUfunction function) { return name(__func__, out, function); }
CU_API cuKernelGetName(const char** out, CUkernel kernel) { return name(__func__, out, asFunction(kernel)); }

CU_API cuFuncGetModule(CUmodule* out, CUfunction handle) {
  return withFunction(__func__, handle, out, [&](Function& function) {
    *out = function.module->handle;
    return CUDA_SUCCESS;
  });
}

CU_API cuFuncLoad(CUfunction handle) {
  return withFunction(__func__, handle, &handle, [](Function&) { return CUDA_SUCCESS; });
}

CU_API cuFuncIsLoaded(int* out, CUfunction handle) {
  return withFunction(__func__, handle, out, [&](Function&) {
    *out = 1;
    return CUDA_SUCCESS;
  });
}

// Hints about caches and banks: accepted, without effect.
CU_API cuFuncSetSharedMemConfig(CUfunction handle, int) {
  return withFunction(__func__, handle, &handle, [](Function&) { return CUDA_SUCCESS; });
}
CU_API cuFuncSetCacheConfig(CUfunction handle, int) {
  return withFunction(__func__, handle, &handle, [](Function&) { return CUDA_SUCCESS; });
}

CU_API cuOccupancyMaxActiveBlocksPerMultiprocessor(int* out, CUfunction function, int threads,
                                                   size_t shared) {
  return occupancy(__func__, out, function, threads, shared);
}
CU_API cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* out, CUfunction function, int threads,
                                                            size_t shared, unsigned) {
  return occupancy(__func__, out, function, threads, shared);
}

CU_API cuOccupancyMaxPotentialBlockSize(int* grid, int* block, CUfunction function, SharedOfBlock sharedOf,
                                        size_t shared, int limit) {
  return bestBlock(__func__, grid, block, function, sharedOf, shared, limit);
}
CU_API cuOccupancyMaxPotentialBlockSizeWithFlags(int* grid, int* block, CUfunction function,
                                                 SharedOfBlock sharedOf, size_t shared, int limit, unsigned) {
  return bestBlock(__func__, grid, block, function, sharedOf, shared, limit);
}

CU_API cuOccupancyAvailableDynamicSMemPerBlock(size_t* out, CUfunction handle, int ctas, int threads) {
  return withFunction(__func__, handle, out, [&](Function& function) {
    const DeviceLimits& limits = function.module->context->device->limits;
    if (ctas <= 0 || threads <= 0 || uint64_t(ctas) * threads > limits.threadsPerSm)
      return CUDA_ERROR_INVALID_VALUE;
    const int64_t each = int64_t(limits.sharedPerSm / ctas) - 1024 - info(*function.kernel).staticShared;
    *out = size_t(std::clamp<int64_t>(each, 0, limits.sharedPerCtaOptin));
    return CUDA_SUCCESS;
  });
}

}  // namespace softcuda
