// Contexts: the primary one of a device, created ones, and each thread's stack of them.
#include <algorithm>

#include "call.h"

namespace softcuda {
namespace {

Device* deviceOf(Call& call, CUdevice ordinal) {
  return ordinal >= 0 && size_t(ordinal) < call.driver.devices.size() ? call.driver.devices[ordinal].get()
                                                                      : nullptr;
}

template <class Body>
CUresult withDevice(const char* function, CUdevice ordinal, Body&& body) {
  return guarded(function, Needs::driver, [&](Call& call) {
    Device* device = deviceOf(call, ordinal);
    return device ? body(call, *device) : CUDA_ERROR_INVALID_DEVICE;
  });
}

CUresult create(const char* function, CUcontext* out, unsigned flags, CUdevice ordinal) {
  return withDevice(function, ordinal, [&](Call& call, Device& device) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    const auto context = call.driver.createContext(device, flags, false);
    contextStack().push_back(context);
    *out = context->handle;
    return CUDA_SUCCESS;
  });
}

void endPrimary(Call& call, Device& device) {
  if (device.primary) call.driver.destroyContext(device.primary);
  device.primary = nullptr;
  device.primaryRetains = 0;
}

CUresult releasePrimary(const char* function, CUdevice ordinal) {
  return withDevice(function, ordinal, [&](Call& call, Device& device) {
    if (device.primaryRetains == 0) return CUDA_ERROR_INVALID_CONTEXT;
    if (--device.primaryRetains == 0) endPrimary(call, device);
    return CUDA_SUCCESS;
  });
}

CUresult resetPrimary(const char* function, CUdevice ordinal) {
  return withDevice(function, ordinal, [&](Call& call, Device& device) {
    endPrimary(call, device);
    return CUDA_SUCCESS;
  });
}

CUresult setPrimaryFlags(const char* function, CUdevice ordinal, unsigned flags) {
  return withDevice(function, ordinal, [&](Call&, Device& device) {
    device.primaryFlags = flags;
    if (device.primary) device.primary->flags = flags;
    return CUDA_SUCCESS;
  });
}

// With a current context, broken or not; `body(context)`.
template <class Body>
CUresult withCurrent(const char* function, const void* result, Body&& body) {
  return guarded(function, Needs::driver, [&](Call&) {
    const auto context = currentContext();
    if (!context) return CUDA_ERROR_INVALID_CONTEXT;
    if (!result) return CUDA_ERROR_INVALID_VALUE;
    return body(*context);
  });
}

}  // namespace

CU_API cuDevicePrimaryCtxRetain(CUcontext* out, CUdevice ordinal) {
  return withDevice(__func__, ordinal, [&](Call& call, Device& device) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    if (!device.primary) device.primary = call.driver.createContext(device, device.primaryFlags, true);
    ++device.primaryRetains;
    *out = device.primary->handle;
    return CUDA_SUCCESS;
  });
}

CU_API cuDevicePrimaryCtxRelease(CUdevice ordinal) { return releasePrimary(__func__, ordinal); }
CU_API cuDevicePrimaryCtxRelease_v2(CUdevice ordinal) { return releasePrimary(__func__, ordinal); }
CU_API cuDevicePrimaryCtxReset(CUdevice ordinal) { return resetPrimary(__func__, ordinal); }
CU_API cuDevicePrimaryCtxReset_v2(CUdevice ordinal) { return resetPrimary(__func__, ordinal); }
CU_API cuDevicePrimaryCtxSetFlags(CUdevice ordinal, unsigned flags) {
  return setPrimaryFlags(__func__, ordinal, flags);
}
CU_API cuDevicePrimaryCtxSetFlags_v2(CUdevice ordinal, unsigned flags) {
  return setPrimaryFlags(__func__, ordinal, flags);
}

CU_API cuDevicePrimaryCtxGetState(CUdevice ordinal, unsigned* flags, int* active) {
  return withDevice(__func__, ordinal, [&](Call&, Device& device) {
    if (!flags || !active) return CUDA_ERROR_INVALID_VALUE;
    *flags = device.primaryFlags, *active = device.primary != nullptr;
    return CUDA_SUCCESS;
  });
}

CU_API cuCtxCreate_v2(CUcontext* out, unsigned flags, CUdevice ordinal) {
  return create(__func__, out, flags, ordinal);
}
// The parameters (execution affinity) are not served: without any it is an ordinary context.
CU_API cuCtxCreate_v3(CUcontext* out, void* parameters, int count, unsigned flags, CUdevice ordinal) {
  return parameters && count ? CUDA_ERROR_NOT_SUPPORTED : create(__func__, out, flags, ordinal);
}
CU_API cuCtxCreate_v4(CUcontext* out, void* parameters, unsigned flags, CUdevice ordinal) {
  return parameters ? CUDA_ERROR_NOT_SUPPORTED : create(__func__, out, flags, ordinal);
}

CU_API cuCtxDestroy_v2(CUcontext handle) {
  return guarded(__func__, Needs::driver, [&](Call& call) {
    const auto context = call.driver.contexts.find(handle);
    if (!context || context->primary) return CUDA_ERROR_INVALID_CONTEXT;
    call.driver.destroyContext(context);
    auto& stack = contextStack();
    if (!stack.empty() && stack.back() == context) stack.pop_back();
    return CUDA_SUCCESS;
  });
}

CU_API cuCtxGetCurrent(CUcontext* out) {
  return guarded(__func__, Needs::driver, [&](Call&) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    const auto context = currentContext();
    *out = context ? context->handle : nullptr;
    return CUDA_SUCCESS;
  });
}

CU_API cuCtxSetCurrent(CUcontext handle) {
  return guarded(__func__, Needs::driver, [&](Call& call) {
    auto& stack = contextStack();
    const auto context = handle ? call.driver.contexts.find(handle) : nullptr;
    if (handle && !context) return CUDA_ERROR_INVALID_CONTEXT;
    if (!stack.empty()) stack.pop_back();
    if (context) stack.push_back(context);
    return CUDA_SUCCESS;
  });
}

CU_API cuCtxPushCurrent_v2(CUcontext handle) {
  return guarded(__func__, Needs::driver, [&](Call& call) {
    const auto context = call.driver.contexts.find(handle);
    if (!context) return CUDA_ERROR_INVALID_CONTEXT;
    contextStack().push_back(context);
    return CUDA_SUCCESS;
  });
}

CU_API cuCtxPopCurrent_v2(CUcontext* out) {
  return guarded(__func__, Needs::driver, [&](Call&) {
    auto& stack = contextStack();
    if (stack.empty()) return CUDA_ERROR_INVALID_CONTEXT;
    if (out) *out = stack.back()->handle;
    stack.pop_back();
    return CUDA_SUCCESS;
  });
}

CU_API cuCtxGetDevice(CUdevice* out) {
  return withCurrent(__func__, out, [&](Context& context) {
    *out = context.device->ordinal;
    return CUDA_SUCCESS;
  });
}

CU_API cuCtxGetFlags(unsigned* out) {
  return withCurrent(__func__, out, [&](Context& context) {
    *out = context.flags;
    return CUDA_SUCCESS;
  });
}

CU_API cuCtxGetId(CUcontext handle, unsigned long long* out) {
  return guarded(__func__, Needs::driver, [&](Call& call) {
    const auto context = handle ? call.driver.contexts.find(handle) : currentContext();
    if (!context) return handle ? CUDA_ERROR_CONTEXT_IS_DESTROYED : CUDA_ERROR_INVALID_CONTEXT;
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    *out = context->id;
    return CUDA_SUCCESS;
  });
}

CU_API cuCtxGetApiVersion(CUcontext handle, unsigned* out) {
  return guarded(__func__, Needs::driver, [&](Call& call) {
    if (handle && !call.driver.contexts.find(handle)) return CUDA_ERROR_INVALID_CONTEXT;
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    *out = 3020;
    return CUDA_SUCCESS;
  });
}

CU_API cuCtxSynchronize() {
  return guarded(__func__, Needs::context, [](Call& call) {
    if (const CUresult refused = forbidDuringCapture(call, "cuCtxSynchronize")) return refused;
    call.driver.queue.awaitAll(*call.context);
    return call.context->takePending();
  });
}

CU_API cuCtxGetLimit(size_t* out, int limit) {
  return withCurrent(__func__, out, [&](Context& context) {
    const auto found = context.limits.find(limit);
    if (found == context.limits.end()) return CUDA_ERROR_UNSUPPORTED_LIMIT;
    *out = found->second;
    return CUDA_SUCCESS;
  });
}

CU_API cuCtxSetLimit(int limit, size_t value) {
  return withCurrent(__func__, &value, [&](Context& context) {
    const auto found = context.limits.find(limit);
    if (found == context.limits.end()) return CUDA_ERROR_UNSUPPORTED_LIMIT;
    found->second = value;
    return CUDA_SUCCESS;
  });
}

// Hints about caches: accepted, without effect.
CU_API cuCtxGetCacheConfig(int* out) {
  return withCurrent(__func__, out, [&](Context&) {
    *out = 0;
    return CUDA_SUCCESS;
  });
}
CU_API cuCtxSetCacheConfig(int) {
  return guarded(__func__, Needs::context, [](Call&) { return CUDA_SUCCESS; });
}
CU_API cuCtxResetPersistingL2Cache() {
  return guarded(__func__, Needs::context, [](Call&) { return CUDA_SUCCESS; });
}

CU_API cuCtxGetSharedMemConfig(int* out) {
  return withCurrent(__func__, out, [&](Context&) {
    *out = 1;  // banks of four bytes
    return CUDA_SUCCESS;
  });
}
CU_API cuCtxSetSharedMemConfig(int) {
  return guarded(__func__, Needs::context, [](Call&) { return CUDA_SUCCESS; });
}

// cuDeviceCanAccessPeer says so too.
CU_API cuCtxEnablePeerAccess(CUcontext, unsigned) {
  return guarded(__func__, Needs::context, [](Call&) { return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED; });
}

CU_API cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  return guarded(__func__, Needs::context, [&](Call&) {
    if (least) *least = 0;
    if (greatest) *greatest = -5;
    return CUDA_SUCCESS;
  });
}

}  // namespace softcuda
