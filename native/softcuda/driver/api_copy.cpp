// Copies between host and device, one- to three-dimensional, synchronous and in a stream.
#include "copy_request.h"

namespace softcuda {
namespace {

enum class Side { host, device, unified };

struct Linear {
  uint64_t destination, source;
  size_t bytes;
  Side to, from;
};

template <class T>
uint64_t address(const T* pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

CUresult linear(const char* function, const Linear& request, CUstream handle, Waits waits) {
  return guarded(function, Needs::context, [&](Call& call) {
    const auto stream = call.driver.stream(*call.context, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    CopyWork copy;
    copy.source = request.source, copy.destination = request.destination, copy.width = request.bytes;
    copy.sourcePitch = copy.destinationPitch = copy.width;
    const auto onDevice = [&](Side side, uint64_t at) {
      return side == Side::device || (side == Side::unified && isDeviceAddress(call, at));
    };
    copy.sourceOnDevice = onDevice(request.from, request.source);
    copy.destinationOnDevice = onDevice(request.to, request.destination);
    auto& asked = copy.asked;
    asked.srcMemoryType = copy.sourceOnDevice ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
    asked.dstMemoryType = copy.destinationOnDevice ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
    asked.srcDevice = copy.source, asked.srcHost = reinterpret_cast<const void*>(copy.source);
    asked.dstDevice = copy.destination, asked.dstHost = reinterpret_cast<void*>(copy.destination);
    asked.WidthInBytes = copy.width, asked.Height = asked.Depth = 1;
    return submitCopy(call, function, *stream, std::move(copy), waits);
  });
}

CUresult box(const char* function, const CUDA_MEMCPY3D* asked, CUstream handle, Waits waits) {
  return guarded(function, Needs::context, [&](Call& call) {
    const auto stream = call.driver.stream(*call.context, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (!asked) return CUDA_ERROR_INVALID_VALUE;
    CopyWork copy;
    if (const CUresult bad = copyOfBox(call, function, *asked, &copy)) return bad;
    return submitCopy(call, function, *stream, std::move(copy), waits);
  });
}

CUDA_MEMCPY3D asBox(const CUDA_MEMCPY2D& p) {
  CUDA_MEMCPY3D box{};
  box.srcXInBytes = p.srcXInBytes, box.srcY = p.srcY, box.srcMemoryType = p.srcMemoryType;
  box.srcHost = p.srcHost, box.srcDevice = p.srcDevice, box.srcPitch = p.srcPitch, box.srcHeight = p.Height;
  box.dstXInBytes = p.dstXInBytes, box.dstY = p.dstY, box.dstMemoryType = p.dstMemoryType;
  box.dstHost = p.dstHost, box.dstDevice = p.dstDevice, box.dstPitch = p.dstPitch, box.dstHeight = p.Height;
  box.WidthInBytes = p.WidthInBytes, box.Height = p.Height, box.Depth = 1;
  // Zero means densely packed.
  if (box.srcPitch == 0) box.srcPitch = p.WidthInBytes + p.srcXInBytes;
  if (box.dstPitch == 0) box.dstPitch = p.WidthInBytes + p.dstXInBytes;
  return box;
}

CUresult rectangle(const char* function, const CUDA_MEMCPY2D* asked, CUstream stream, Waits waits) {
  if (!asked) return CUDA_ERROR_INVALID_VALUE;
  const CUDA_MEMCPY3D converted = asBox(*asked);
  return box(function, &converted, stream, waits);
}

}  // namespace

CU_API cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t bytes) {
  return linear(__func__, {to, address(from), bytes, Side::device, Side::host}, nullptr, Waits::asCuda);
}
CU_API cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) {
  return linear(__func__, {address(to), from, bytes, Side::host, Side::device}, nullptr, Waits::asCuda);
}
CU_API cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return linear(__func__, {to, from, bytes, Side::device, Side::device}, nullptr, Waits::asCuda);
}
CU_API cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return linear(__func__, {to, from, bytes, Side::unified, Side::unified}, nullptr, Waits::asCuda);
}
CU_API cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUstream stream) {
  return linear(__func__, {to, address(from), bytes, Side::device, Side::host}, stream, Waits::never);
}
CU_API cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return linear(__func__, {address(to), from, bytes, Side::host, Side::device}, stream, Waits::never);
}
CU_API cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return linear(__func__, {to, from, bytes, Side::device, Side::device}, stream, Waits::never);
}
CU_API cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return linear(__func__, {to, from, bytes, Side::unified, Side::unified}, stream, Waits::never);
}
// One address space for all devices: the contexts add nothing.
CU_API cuMemcpyPeer(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t bytes) {
  return linear(__func__, {to, from, bytes, Side::device, Side::device}, nullptr, Waits::asCuda);
}
CU_API cuMemcpyPeerAsync(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t bytes,
                         CUstream stream) {
  return linear(__func__, {to, from, bytes, Side::device, Side::device}, stream, Waits::never);
}

CU_API cuMemcpy2D_v2(const CUDA_MEMCPY2D* p) { return rectangle(__func__, p, nullptr, Waits::asCuda); }
CU_API cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D* p) {
  return rectangle(__func__, p, nullptr, Waits::asCuda);
}
CU_API cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* p, CUstream s) {
  return rectangle(__func__, p, s, Waits::never);
}
CU_API cuMemcpy3D_v2(const CUDA_MEMCPY3D* p) { return box(__func__, p, nullptr, Waits::asCuda); }
CU_API cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D* p, CUstream s) { return box(__func__, p, s, Waits::never); }
CU_API cuMemcpy3DPeer(const CUDA_MEMCPY3D* p) { return box(__func__, p, nullptr, Waits::asCuda); }
CU_API cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D* p, CUstream s) { return box(__func__, p, s, Waits::never); }

}  // namespace softcuda
