// Modules and libraries: loading, kernels and globals by name.
#include <fstream>
#include <iterator>

#include "module_load.h"

namespace softcuda {
namespace {

CUresult load(const char* function, CUmodule* out, const void* image, unsigned count, const int* options,
              void** values) {
  return guarded(function, Needs::context, [&](Call& call) {
    if (!out || !image || (count && (!options || !values))) return CUDA_ERROR_INVALID_VALUE;
    JitLog log(count, options, values);
    CUresult error;
    const auto module = loadModule(call, function, image, log, &error);
    if (module) *out = module->handle = call.driver.modules.add(module);
    return error;
  });
}

CUresult readFile(const char* function, const char* path, std::string* bytes) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return refuse(function, CUDA_ERROR_FILE_NOT_FOUND, std::string("cannot read '") + path + "'");
  bytes->assign(std::istreambuf_iterator<char>(in), {});
  return CUDA_SUCCESS;
}

CUresult global(const LoadedModule& module, CUdeviceptr* address, size_t* bytes, const char* name) {
  uint64_t base = 0, size = 0;
  if (!module.module->global(name, &base, &size)) return CUDA_ERROR_NOT_FOUND;
  if (address) *address = base;
  if (bytes) *bytes = size;
  return CUDA_SUCCESS;
}

CUresult loadLibrary(const char* function, CUlibrary* out, const void* image, const int* options,
                     void** values, unsigned count) {
  return guarded(function, Needs::context, [&](Call& call) {
    if (!out || !image || (count && (!options || !values))) return CUDA_ERROR_INVALID_VALUE;
    JitLog log(count, options, values);
    CUresult error;
    const auto module = loadModule(call, function, image, log, &error);
    if (!module) return error;
    *out = call.driver.libraries.add(module);
    module->handle = call.driver.modules.add(module);
    return CUDA_SUCCESS;
  });
}

// Runs `body(call, library)` or answers CUDA_ERROR_INVALID_HANDLE.
template <class Body>
CUresult withLibrary(const char* function, CUlibrary handle, const void* result, Body&& body) {
  return guarded(function, Needs::context, [&](Call& call) {
    const auto library = call.driver.libraries.find(handle);
    if (!library) return CUDA_ERROR_INVALID_HANDLE;
    return result ? body(call, library) : CUDA_ERROR_INVALID_VALUE;
  });
}

}  // namespace

CU_API cuModuleLoadData(CUmodule* out, const void* image) {
  return load(__func__, out, image, 0, nullptr, nullptr);
}

CU_API cuModuleLoadDataEx(CUmodule* out, const void* image, unsigned count, int* options, void** values) {
  return load(__func__, out, image, count, options, values);
}

CU_API cuModuleLoadFatBinary(CUmodule* out, const void* image) {
  return load(__func__, out, image, 0, nullptr, nullptr);
}

CU_API cuModuleLoad(CUmodule* out, const char* path) {
  std::string bytes;
  if (!path) return CUDA_ERROR_INVALID_VALUE;
  if (const CUresult failed = readFile(__func__, path, &bytes)) return failed;
  return load(__func__, out, bytes.c_str(), 0, nullptr, nullptr);
}

CU_API cuModuleUnload(CUmodule handle) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    const auto module = call.driver.modules.find(handle);
    if (!module) return CUDA_ERROR_INVALID_HANDLE;
    unloadModule(call, module);
    call.driver.modules.remove(handle);
    return CUDA_SUCCESS;
  });
}

CU_API cuModuleGetFunction(CUfunction* out, CUmodule handle, const char* name) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    const auto module = call.driver.modules.find(handle);
    if (!module) return CUDA_ERROR_INVALID_HANDLE;
    return out && name ? findFunction(call, module, name, out) : CUDA_ERROR_INVALID_VALUE;
  });
}

CU_API cuModuleGetGlobal_v2(CUdeviceptr* address, size_t* bytes, CUmodule handle, const char* name) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    const auto module = call.driver.modules.find(handle);
    if (!module) return CUDA_ERROR_INVALID_HANDLE;
    return name ? global(*module, address, bytes, name) : CUDA_ERROR_INVALID_VALUE;
  });
}

CU_API cuModuleGetFunctionCount(unsigned* out, CUmodule handle) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    const auto module = call.driver.modules.find(handle);
    if (!module) return CUDA_ERROR_INVALID_HANDLE;
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    *out = unsigned(module->module->kernels().size());
    return CUDA_SUCCESS;
  });
}

CU_API cuModuleGetLoadingMode(int* out) {
  constexpr int eager = 1;
  return guarded(__func__, Needs::driver, [&](Call&) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    *out = eager;
    return CUDA_SUCCESS;
  });
}

CU_API cuLibraryLoadData(CUlibrary* out, const void* image, int* options, void** values, unsigned count, int*,
                         void**, unsigned) {
  return loadLibrary(__func__, out, image, options, values, count);
}

CU_API cuLibraryLoadFromFile(CUlibrary* out, const char* path, int* options, void** values, unsigned count,
                             int*, void**, unsigned) {
  std::string bytes;
  if (!path) return CUDA_ERROR_INVALID_VALUE;
  if (const CUresult failed = readFile(__func__, path, &bytes)) return failed;
  return loadLibrary(__func__, out, bytes.c_str(), options, values, count);
}

CU_API cuLibraryUnload(CUlibrary handle) {
  return withLibrary(__func__, handle, &handle, [&](Call& call, const auto& library) {
    unloadModule(call, library);
    call.driver.modules.remove(library->handle);
    call.driver.libraries.remove(handle);
    return CUDA_SUCCESS;
  });
}

// A CUkernel and the CUfunction of its context are one handle here.
CU_API cuLibraryGetKernel(CUkernel* out, CUlibrary handle, const char* name) {
  return withLibrary(__func__, handle, name ? out : nullptr, [&](Call& call, const auto& library) {
    return findFunction(call, library, name, reinterpret_cast<CUfunction*>(out));
  });
}

CU_API cuLibraryGetKernelCount(unsigned* out, CUlibrary handle) {
  return withLibrary(__func__, handle, out, [&](Call&, const auto& library) {
    *out = unsigned(library->module->kernels().size());
    return CUDA_SUCCESS;
  });
}

CU_API cuLibraryGetModule(CUmodule* out, CUlibrary handle) {
  return withLibrary(__func__, handle, out, [&](Call&, const auto& library) {
    *out = library->handle;
    return CUDA_SUCCESS;
  });
}

CU_API cuLibraryGetGlobal(CUdeviceptr* address, size_t* bytes, CUlibrary handle, const char* name) {
  return withLibrary(__func__, handle, name,
                     [&](Call&, const auto& library) { return global(*library, address, bytes, name); });
}

CU_API cuKernelGetFunction(CUfunction* out, CUkernel kernel) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    *out = reinterpret_cast<CUfunction>(kernel);
    return call.driver.functions.find(*out) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
}

}  // namespace softcuda
