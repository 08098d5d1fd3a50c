#include "launch.h"

#include <algorithm>
#include <cstring>

namespace softcuda {
namespace {

CUresult copyParameters(const char* entryPoint, const KernelInfo& kernel, const LaunchRequest& request,
                        std::vector<std::byte>* out) {
  out->assign(kernel.parameterBytes, std::byte{0});
  if (kernel.parameterBytes == 0) return CUDA_SUCCESS;
  if (request.parameters) {
    for (size_t i = 0; i < kernel.parameters.size(); ++i) {
      const auto [offset, size] = kernel.parameters[i];
      if (!request.parameters[i])
        return refuse(entryPoint, CUDA_ERROR_INVALID_VALUE,
                      kernel.name + ": kernelParams[" + std::to_string(i) + "] is null");
      std::memcpy(out->data() + offset, request.parameters[i], size);
    }
    return CUDA_SUCCESS;
  }
  const void* buffer = nullptr;
  size_t bytes = 0;
  for (void** at = request.extra; at && *at; at += 2) {
    const auto key = reinterpret_cast<uintptr_t>(*at);
    if (key == 1)
      buffer = at[1];  // CU_LAUNCH_PARAM_BUFFER_POINTER
    else if (key == 2)
      bytes = *static_cast<size_t*>(at[1]);  // CU_LAUNCH_PARAM_BUFFER_SIZE
    else
      return CUDA_ERROR_INVALID_VALUE;
  }
  const auto [lastOffset, lastSize] = kernel.parameters.back();
  if (!buffer || bytes < lastOffset + lastSize)
    return refuse(entryPoint, CUDA_ERROR_INVALID_VALUE,
                  kernel.name + " takes " + std::to_string(lastOffset + lastSize) +
                      " bytes of parameters, got " + std::to_string(bytes));
  std::memcpy(out->data(), buffer, std::min<size_t>(bytes, kernel.parameterBytes));
  return CUDA_SUCCESS;
}

CUresult checkShape(const char* entryPoint, const Function& function, const LaunchRequest& request) {
  const DeviceLimits& limits = function.module->context->device->limits;
  const KernelInfo& kernel = info(*function.kernel);
  const auto& [gx, gy, gz] = request.grid;
  const auto& [bx, by, bz] = request.block;
  const uint64_t threads = uint64_t(bx) * by * bz;
  const auto bad = [&](const std::string& why) {
    return refuse(entryPoint, CUDA_ERROR_INVALID_VALUE, kernel.name + ": " + why);
  };
  if (gx == 0 || gy == 0 || gz == 0 || threads == 0) return bad("a dimension of the grid or block is 0");
  if (gx > 2147483647u || gy > 65535 || gz > 65535)
    return bad("the grid is larger than 2147483647 x 65535 x 65535");
  if (bx > 1024 || by > 1024 || bz > 64 || threads > limits.maxThreadsPerCta)
    return bad("the block of " + std::to_string(threads) + " threads is beyond the device's limits");
  if (threads > kernel.maxThreads)
    return bad(std::to_string(threads) + " threads, the kernel's limit is " +
               std::to_string(kernel.maxThreads));
  if (int64_t(request.dynamicShared) > function.maxDynamicShared)
    return bad(std::to_string(request.dynamicShared) + " bytes of dynamic shared memory, allowed are " +
               std::to_string(function.maxDynamicShared) +
               " (CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)");
  if (!request.cooperative) return CUDA_SUCCESS;
  const uint64_t resident =
      uint64_t(residentCtas(function, unsigned(threads), request.dynamicShared)) * limits.multiprocessors;
  if (uint64_t(gx) * gy * gz > resident)
    return refuse(entryPoint, CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE,
                  kernel.name + ": more CTAs than the " + std::to_string(resident) + " that run at a time");
  return CUDA_SUCCESS;
}

CUresult codeOf(Fault fault) {
  switch (fault) {
    case Fault::none:
      return CUDA_SUCCESS;
    case Fault::illegalAddress:
      return CUDA_ERROR_ILLEGAL_ADDRESS;
    case Fault::misalignedAddress:
      return CUDA_ERROR_MISALIGNED_ADDRESS;
    case Fault::illegalInstruction:
      return CUDA_ERROR_ILLEGAL_INSTRUCTION;
    case Fault::trap:
      return CUDA_ERROR_LAUNCH_FAILED;
    case Fault::deviceAssert:
      return CUDA_ERROR_ASSERT;
    case Fault::timeout:
      return CUDA_ERROR_LAUNCH_TIMEOUT;
    case Fault::invalidLaunch:
      return CUDA_ERROR_INVALID_VALUE;
    case Fault::outOfResources:
      return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
  }
  return CUDA_ERROR_UNKNOWN;
}

}  // namespace

int residentCtas(const Function& function, unsigned threads, size_t dynamicShared) {
  const DeviceLimits& limits = function.module->context->device->limits;
  const KernelInfo& kernel = info(*function.kernel);
  if (threads == 0 || threads > kernel.maxThreads || int64_t(dynamicShared) > function.maxDynamicShared)
    return 0;
  const unsigned wholeWarps = (threads + 31) / 32 * 32;
  const uint64_t reserved = 1024, shared = kernel.staticShared + dynamicShared + reserved;
  return int(
      std::min<uint64_t>({limits.ctasPerSm, limits.threadsPerSm / wholeWarps, limits.sharedPerSm / shared}));
}

CUresult prepareLaunch(Call& call, const char* entryPoint, const LaunchRequest& request, KernelWork* out) {
  out->function = call.driver.functions.find(request.function);
  if (!out->function) return CUDA_ERROR_INVALID_HANDLE;
  const KernelInfo& kernel = info(*out->function->kernel);
  if (out->function->module->context != call.context.get())
    return refuse(entryPoint, CUDA_ERROR_INVALID_CONTEXT, kernel.name + " belongs to another context");
  if (request.parameters && request.extra) return CUDA_ERROR_INVALID_VALUE;
  if (const CUresult bad = checkShape(entryPoint, *out->function, request)) return bad;
  out->shape.grid = request.grid, out->shape.block = request.block;
  out->shape.dynamicShared = request.dynamicShared, out->shape.cooperative = request.cooperative;
  return copyParameters(entryPoint, kernel, request, &out->parameters);
}

CUresult execute(Context& context, const KernelWork& work) {
  Driver& driver = Driver::get();
  const Settings& settings = driver.settings;
  const KernelInfo& kernel = info(*work.function->kernel);
  if (injected(settings.launch, &driver.launches))
    return refuse(kernel.name.c_str(), settings.launch.code,
                  "this launch fails, as SOFTCUDA_FAIL_LAUNCH asks");
  LaunchOptions options;
  options.seed = settings.seed * 0x9e3779b97f4a7c15ull + driver.launches;
  options.checks = settings.checks, options.count = settings.count, options.threads = settings.threads;
  options.instructionBudget = settings.instructionBudget;
  const LaunchResult result =
      launch(*work.function->kernel, work.shape, work.parameters.data(), work.parameters.size(),
             *context.device->memory, context.device->limits, options);
  for (const Finding& finding : result.findings) reportFinding(finding);
  if (settings.count) addCounters(kernel, work.shape.dynamicShared, result.counters);
  const CUresult code = codeOf(result.fault);
  return code == CUDA_SUCCESS ? code : refuse(kernel.name.c_str(), code, result.message);
}

}  // namespace softcuda
