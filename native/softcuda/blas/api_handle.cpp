// Handles and their modes.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

#include "handle.h"

extern "C" CUresult cuCtxGetCurrent(CUcontext*);

namespace softcuda {
namespace {

struct Handles {
  std::mutex mutex;
  std::map<cublasHandle_t, std::shared_ptr<BlasHandle>> live;
  uintptr_t last = 0x5b000000;
};

Handles& handles() {
  static Handles& all = *new Handles;
  return all;
}

// cuBLAS 12.6 unless SOFTCUDA_BLAS_VERSION says otherwise: tests of a version that does not fit.
int version() {
  const char* wanted = std::getenv("SOFTCUDA_BLAS_VERSION");
  return wanted ? std::atoi(wanted) : 120600;
}

template <class Body>
cublasStatus_t withHandle(cublasHandle_t handle, const void* result, Body&& body) {
  const auto found = findHandle(handle);
  if (!found) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!result) return CUBLAS_STATUS_INVALID_VALUE;
  body(*found);
  return CUBLAS_STATUS_SUCCESS;
}

const char* statusName(int status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_MAPPING_ERROR:
      return "CUBLAS_STATUS_MAPPING_ERROR";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    case CUBLAS_STATUS_LICENSE_ERROR:
      return "CUBLAS_STATUS_LICENSE_ERROR";
    default:
      return "CUBLAS_STATUS_UNKNOWN";
  }
}

}  // namespace

cublasStatus_t unserved(const char* name) {
  std::fprintf(stderr, "softcuda: %s is not served\n", name);
  return CUBLAS_STATUS_NOT_SUPPORTED;
}

std::shared_ptr<BlasHandle> findHandle(cublasHandle_t handle) {
  const std::lock_guard<std::mutex> hold(handles().mutex);
  const auto found = handles().live.find(handle);
  return found == handles().live.end() ? nullptr : found->second;
}

CUBLAS_API cublasCreate_v2(cublasHandle_t* out) {
  if (!out) return CUBLAS_STATUS_INVALID_VALUE;
  auto handle = std::make_shared<BlasHandle>();
  if (cuCtxGetCurrent(&handle->context) != CUDA_SUCCESS || !handle->context)
    return CUBLAS_STATUS_NOT_INITIALIZED;
  const std::lock_guard<std::mutex> hold(handles().mutex);
  *out = reinterpret_cast<cublasHandle_t>(handles().last += 16);
  handles().live.emplace(*out, std::move(handle));
  return CUBLAS_STATUS_SUCCESS;
}

CUBLAS_API cublasDestroy_v2(cublasHandle_t handle) {
  const std::lock_guard<std::mutex> hold(handles().mutex);
  return handles().live.erase(handle) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_INITIALIZED;
}

CUBLAS_API cublasGetVersion_v2(cublasHandle_t, int* out) {
  if (!out) return CUBLAS_STATUS_INVALID_VALUE;
  *out = version();
  return CUBLAS_STATUS_SUCCESS;
}

CUBLAS_API cublasGetProperty(int property, int* out) {
  if (!out || property < 0 || property > 2) return CUBLAS_STATUS_INVALID_VALUE;
  const int parts[] = {version() / 10000, version() / 100 % 100, version() % 100};
  *out = parts[property];
  return CUBLAS_STATUS_SUCCESS;
}

extern "C" __attribute__((visibility("default"))) size_t cublasGetCudartVersion() { return 12060; }
extern "C" __attribute__((visibility("default"))) const char* cublasGetStatusName(int status) {
  return statusName(status);
}
extern "C" __attribute__((visibility("default"))) const char* cublasGetStatusString(int status) {
  return statusName(status);
}

CUBLAS_API cublasSetStream_v2(cublasHandle_t handle, CUstream stream) {
  return withHandle(handle, &handle, [&](BlasHandle& h) { h.stream = stream; });
}
CUBLAS_API cublasGetStream_v2(cublasHandle_t handle, CUstream* out) {
  return withHandle(handle, out, [&](BlasHandle& h) { *out = h.stream; });
}

// Used by no algorithm here; the real library asks for 256-byte alignment.
CUBLAS_API cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, size_t) {
  constexpr uintptr_t alignment = 256;
  if (reinterpret_cast<uintptr_t>(workspace) % alignment) return CUBLAS_STATUS_INVALID_VALUE;
  return withHandle(handle, &handle, [](BlasHandle&) {});
}

CUBLAS_API cublasSetPointerMode_v2(cublasHandle_t handle, int mode) {
  if (mode != CUBLAS_POINTER_MODE_HOST && mode != CUBLAS_POINTER_MODE_DEVICE)
    return CUBLAS_STATUS_INVALID_VALUE;
  return withHandle(handle, &handle, [&](BlasHandle& h) { h.pointerMode = mode; });
}
CUBLAS_API cublasGetPointerMode_v2(cublasHandle_t handle, int* out) {
  return withHandle(handle, out, [&](BlasHandle& h) { *out = h.pointerMode; });
}
CUBLAS_API cublasSetMathMode(cublasHandle_t handle, int mode) {
  return withHandle(handle, &handle, [&](BlasHandle& h) { h.mathMode = mode; });
}
CUBLAS_API cublasGetMathMode(cublasHandle_t handle, int* out) {
  return withHandle(handle, out, [&](BlasHandle& h) { *out = h.mathMode; });
}
CUBLAS_API cublasSetAtomicsMode(cublasHandle_t handle, int mode) {
  return withHandle(handle, &handle, [&](BlasHandle& h) { h.atomicsMode = mode; });
}
CUBLAS_API cublasGetAtomicsMode(cublasHandle_t handle, int* out) {
  return withHandle(handle, out, [&](BlasHandle& h) { *out = h.atomicsMode; });
}
CUBLAS_API cublasSetSmCountTarget(cublasHandle_t handle, int count) {
  return withHandle(handle, &handle, [&](BlasHandle& h) { h.smTarget = count; });
}
CUBLAS_API cublasGetSmCountTarget(cublasHandle_t handle, int* out) {
  return withHandle(handle, out, [&](BlasHandle& h) { *out = h.smTarget; });
}

}  // namespace softcuda
