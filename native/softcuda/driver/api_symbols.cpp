// Entry points by name, and the few that need nothing else.
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "call.h"

namespace softcuda {
namespace {

// Since which CUDA version cuGetProcAddress answers with a variant; all others came before 11.0.
struct Variant {
  const char* symbol;
  int since;
};
constexpr std::array<Variant, 22> variants{{{"cuCtxCreate_v3", 11040},
                                            {"cuCtxCreate_v4", 12050},
                                            {"cuDeviceGetUuid_v2", 11040},
                                            {"cuEventElapsedTime_v2", 12080},
                                            {"cuGetProcAddress_v2", 12000},
                                            {"cuGraphAddDependencies_v2", 12030},
                                            {"cuGraphAddKernelNode_v2", 12000},
                                            {"cuGraphAddNode_v2", 12030},
                                            {"cuGraphExecKernelNodeSetParams_v2", 12000},
                                            {"cuGraphExecUpdate_v2", 12000},
                                            {"cuGraphGetEdges_v2", 12030},
                                            {"cuGraphKernelNodeGetParams_v2", 12000},
                                            {"cuGraphKernelNodeSetParams_v2", 12000},
                                            {"cuGraphNodeGetDependencies_v2", 12030},
                                            {"cuGraphNodeGetDependentNodes_v2", 12030},
                                            {"cuGraphRemoveDependencies_v2", 12030},
                                            {"cuMemAdvise_v2", 12020},
                                            {"cuMemPrefetchAsync_v2", 12020},
                                            {"cuStreamGetCaptureInfo_v3", 12030},
                                            {"cuStreamGetCtx_v2", 12050},
                                            {"cuStreamUpdateCaptureDependencies_v2", 12030},
                                            {"cuMemcpyBatchAsync_v2", 13000}}};

bool isKnownIn(const std::string& symbol, int version) {
  const auto found =
      std::find_if(variants.begin(), variants.end(), [&](const Variant& v) { return symbol == v.symbol; });
  return found == variants.end() || found->since <= version;
}

enum QueryStatus { found = 0, notFound = 1, tooNew = 2 };

CUresult procAddress(const char* symbol, void** out, int version, unsigned long long flags, int* status) {
  constexpr unsigned long long perThread = 2;
  if (!symbol || !out) return CUDA_ERROR_INVALID_VALUE;
  if (status) *status = found;
  const std::string name = std::strcmp(symbol, "cuGraphInstantiate") == 0 && version >= 12000
                               ? "cuGraphInstantiateWithFlags"
                               : symbol;
  for (const char* suffix : {"_v4", "_v3", "_v2", ""}) {
    if (!isKnownIn(name + suffix, version)) continue;
    for (const char* stream : {"_ptsz", "_ptds", ""}) {
      if (*stream && !(flags & perThread)) continue;
      *out = dlsym(RTLD_DEFAULT, (name + suffix + stream).c_str());
      if (!*out) {
        Dl_info self;
        dladdr(reinterpret_cast<void*>(&procAddress), &self);
        void* library = dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
        *out = library ? dlsym(library, (name + suffix + stream).c_str()) : nullptr;
      }
      if (*out) return CUDA_SUCCESS;
    }
  }
  *out = nullptr;
  if (status) *status = notFound;
  return status ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

}  // namespace

CU_API cuGetProcAddress_v2(const char* symbol, void** out, int version, unsigned long long flags,
                           int* status) {
  return procAddress(symbol, out, version, flags, status);
}
CU_API cuGetProcAddress(const char* symbol, void** out, int version, unsigned long long flags) {
  return procAddress(symbol, out, version, flags, nullptr);
}

// The runtime's private tables: not served, so a program of the CUDA runtime says that it finds no driver.
CU_API cuGetExportTable(const void** table, const CUuuid*) {
  if (table) *table = nullptr;
  return CUDA_ERROR_NOT_SUPPORTED;
}

CU_API cuProfilerStart() {
  return guarded(__func__, Needs::context, [](Call&) { return CUDA_SUCCESS; });
}
CU_API cuProfilerStop() {
  return guarded(__func__, Needs::context, [](Call&) { return CUDA_SUCCESS; });
}

CU_API cuFlushGPUDirectRDMAWrites(int, int) {
  return guarded(__func__, Needs::context, [](Call&) { return CUDA_SUCCESS; });
}

}  // namespace softcuda
