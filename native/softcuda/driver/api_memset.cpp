// Memsets of 8, 16 and 32 bits: asynchronous with respect to the host also where the name doesn't say so.
#include "call.h"

namespace softcuda {
namespace {

CUresult fill(const char* function, const CUDA_MEMSET_NODE_PARAMS& asked, CUstream handle, bool synchronous) {
  return guarded(function, Needs::context, [&](Call& call) {
    const auto stream = call.driver.stream(*call.context, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (synchronous)
      if (const CUresult refused = forbidDuringCapture(call, function)) return refused;
    if (asked.width == 0 || asked.height == 0) return CUDA_SUCCESS;
    if (asked.dst % asked.elementSize || (asked.height > 1 && asked.pitch < asked.width * asked.elementSize))
      return refuse(function, CUDA_ERROR_INVALID_VALUE,
                    "a misaligned address, or a pitch smaller than the row");
    std::string why;
    if (!validRanges(*call.context, MemsetWork{asked}, &why))
      return refuse(function, CUDA_ERROR_INVALID_VALUE, why);
    if (const CUresult failed = enqueue(*stream, MemsetWork{asked})) return failed;
    const Block* block = call.driver.blockAt(asked.dst);
    const bool host = block && block->space == Memory::Space::pinnedHost;
    if (synchronous && host) awaitStream(*stream);
    return CUDA_SUCCESS;
  });
}

}  // namespace

CU_API cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t n) {
  return fill(__func__, {to, n, value, 1, n, 1}, nullptr, true);
}
CU_API cuMemsetD16_v2(CUdeviceptr to, unsigned short value, size_t n) {
  return fill(__func__, {to, 2 * n, value, 2, n, 1}, nullptr, true);
}
CU_API cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t n) {
  return fill(__func__, {to, 4 * n, value, 4, n, 1}, nullptr, true);
}
CU_API cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t n, CUstream stream) {
  return fill(__func__, {to, n, value, 1, n, 1}, stream, false);
}
CU_API cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t n, CUstream stream) {
  return fill(__func__, {to, 2 * n, value, 2, n, 1}, stream, false);
}
CU_API cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t n, CUstream stream) {
  return fill(__func__, {to, 4 * n, value, 4, n, 1}, stream, false);
}
CU_API cuMemsetD2D8_v2(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height) {
  return fill(__func__, {to, pitch, value, 1, width, height}, nullptr, true);
}
CU_API cuMemsetD2D16_v2(CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height) {
  return fill(__func__, {to, pitch, value, 2, width, height}, nullptr, true);
}
CU_API cuMemsetD2D32_v2(CUdeviceptr to, size_t pitch, unsigned value, size_t width, size_t height) {
  return fill(__func__, {to, pitch, value, 4, width, height}, nullptr, true);
}
CU_API cuMemsetD2D8Async(CUdeviceptr to, size_t pitch, unsigned char value, size_t w, size_t h,
                         CUstream stream) {
  return fill(__func__, {to, pitch, value, 1, w, h}, stream, false);
}
CU_API cuMemsetD2D16Async(CUdeviceptr to, size_t pitch, unsigned short value, size_t w, size_t h,
                          CUstream stream) {
  return fill(__func__, {to, pitch, value, 2, w, h}, stream, false);
}
CU_API cuMemsetD2D32Async(CUdeviceptr to, size_t pitch, unsigned value, size_t w, size_t h, CUstream stream) {
  return fill(__func__, {to, pitch, value, 4, w, h}, stream, false);
}

}  // namespace softcuda
