#include "module_load.h"

#include <algorithm>
#include <cstring>

#include "fatbin.h"

namespace softcuda {

JitLog::JitLog(unsigned count, const int* options, void** values) {
  constexpr int infoSize = 4, errorBuffer = 5, errorSize = 6;
  for (unsigned i = 0; i < count; ++i) {
    if (options[i] == errorBuffer) buffer_ = static_cast<char*>(values[i]);
    if (options[i] == infoSize) values[i] = nullptr;  // nothing to tell
    if (options[i] != errorSize) continue;
    size_ = reinterpret_cast<uintptr_t>(values[i]);
    writtenSize_ = &values[i];
    *writtenSize_ = nullptr;
  }
}

void JitLog::error(const std::string& text) {
  if (!buffer_ || size_ == 0) return;
  const size_t length = std::min(text.size(), size_ - 1);
  std::memcpy(buffer_, text.data(), length);
  buffer_[length] = '\0';
  *writtenSize_ = reinterpret_cast<void*>(length + 1);
}

std::shared_ptr<LoadedModule> loadModule(Call& call, const char* function, const void* image, JitLog& log,
                                         CUresult* error) {
  const auto fail = [&](CUresult code, const std::string& why) {
    log.error(why);
    *error = refuse(function, code, why);
    return nullptr;
  };
  Context& context = *call.context;
  const DeviceLimits& limits = context.device->limits;
  const int capability = limits.computeMajor * 10 + limits.computeMinor;
  const PtxImage ptx = findPtx(image, capability);
  if (ptx.error != CUDA_SUCCESS) return fail(ptx.error, ptx.text);
  const int version = ptxVersion(ptx.text), target = ptxTarget(ptx.text);
  const int newest = newestPtxVersion(call.driver.settings.driverVersion);
  if (version == 0 || target == 0)
    return fail(CUDA_ERROR_INVALID_PTX, "no PTX: .version or .target is missing");
  if (version > newest)
    return fail(CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
                "PTX .version " + std::to_string(version / 10) + '.' + std::to_string(version % 10) +
                    " is newer than this driver's " + std::to_string(newest / 10) + '.' +
                    std::to_string(newest % 10));
  if (target > capability)
    return fail(CUDA_ERROR_NO_BINARY_FOR_GPU,
                "PTX for sm_" + std::to_string(target) + ", the device is sm_" + std::to_string(capability));
  auto module = std::make_shared<LoadedModule>();
  try {
    module->module = Module::load(ptx.text, *context.device->memory, limits);
  } catch (const PtxError& e) {
    return fail(CUDA_ERROR_INVALID_PTX, e.what());
  }
  module->context = &context, module->ptxVersion = version;
  *error = CUDA_SUCCESS;
  return module;
}

CUresult findFunction(Call& call, const std::shared_ptr<LoadedModule>& module, const char* name,
                      CUfunction* out) {
  const auto known = module->functions.find(name);
  if (known != module->functions.end()) {
    *out = known->second;
    return CUDA_SUCCESS;
  }
  const Kernel* kernel = module->module->kernel(name);
  if (!kernel) return CUDA_ERROR_NOT_FOUND;
  auto function = std::make_shared<Function>();
  function->module = module, function->kernel = kernel;
  function->maxDynamicShared =
      std::max(0, int(module->context->device->limits.sharedPerCta) - int(info(*kernel).staticShared));
  function->handle = call.driver.functions.add(function);
  module->functions.emplace(name, function->handle);
  *out = function->handle;
  return CUDA_SUCCESS;
}

void unloadModule(Call& call, const std::shared_ptr<LoadedModule>& module) {
  call.driver.queue.awaitAll(*module->context);
  for (const auto& [name, function] : module->functions) call.driver.functions.remove(function);
  module->functions.clear();
}

}  // namespace softcuda
