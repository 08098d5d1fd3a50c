#include "copy_request.h"

#include <cstring>

namespace softcuda {
namespace {

bool isPinned(const Call& call, uint64_t address, uint64_t bytes) {
  const Block* block = call.driver.blockAt(address);
  return block && block->space != Memory::Space::device && address + bytes <= block->base + block->bytes;
}

uint64_t hostExtent(const CopyWork& c, bool source) {
  const uint64_t pitch = source ? c.sourcePitch : c.destinationPitch;
  const uint64_t slice = source ? c.sourceSlice : c.destinationSlice;
  return (c.depth - 1) * slice + (c.height - 1) * pitch + c.width;
}

// Copies the pageable source now, as the driver does into a buffer of its own: what the caller writes there
// later is not seen, and the transfer to the device still has its place in the stream.
void stage(CopyWork* copy) {
  copy->staged = std::make_shared<std::vector<std::byte>>(hostExtent(*copy, true));
  std::memcpy(copy->staged->data(), reinterpret_cast<const void*>(copy->source), copy->staged->size());
}

CUresult refusePageable(const char* function, const CopyWork& copy) {
  char address[32];
  std::snprintf(address, sizeof address, "0x%llx",
                static_cast<unsigned long long>(copy.sourceOnDevice ? copy.destination : copy.source));
  reportFinding("pageable",
                std::string(function) + ": the host memory at " + address +
                    " is neither cuMemAllocHost nor cuMemHostRegister memory; an asynchronous copy may "
                    "use it after the call");
  return CUDA_ERROR_INVALID_VALUE;
}

}  // namespace

bool isDeviceAddress(const Call& call, uint64_t address) {
  if (const Block* block = call.driver.blockAt(address))
    return block->space == Memory::Space::device || block->space == Memory::Space::managed;
  Memory::Allocation found;  // a module's global, or freed
  return call.context->device->memory->find(address, &found);
}

CUresult submitCopy(Call& call, const char* function, Stream& stream, CopyWork copy, Waits waits) {
  if (copy.width == 0 || copy.height == 0 || copy.depth == 0) return CUDA_SUCCESS;
  std::string why;
  if (!validRanges(*call.context, copy, &why)) return refuse(function, CUDA_ERROR_INVALID_VALUE, why);
  const bool hostSource = !copy.sourceOnDevice, hostDestination = !copy.destinationOnDevice;
  if ((hostSource && !copy.source) || (hostDestination && !copy.destination)) return CUDA_ERROR_INVALID_VALUE;
  const bool pageableSource = hostSource && !isPinned(call, copy.source, hostExtent(copy, true));
  const bool pageableDestination =
      hostDestination && !isPinned(call, copy.destination, hostExtent(copy, false));
  if (waits == Waits::asCuda) {
    if (const CUresult refused = forbidDuringCapture(call, function)) return refused;
    const bool toDevice = hostSource && !hostDestination, within = !hostSource && !hostDestination;
    if (toDevice && pageableSource) awaitStream(stream), stage(&copy);
    if (const CUresult failed = enqueue(stream, std::move(copy))) return failed;
    if ((toDevice && pageableSource) || within) return CUDA_SUCCESS;
    awaitStream(stream);
    return call.context->takePending();
  }
  if (pageableSource || pageableDestination) {
    if (call.driver.settings.checkPageable) return refusePageable(function, copy);
    if (pageableSource && !stream.capture) stage(&copy);  // a graph reads it anew at each launch
  }
  if (const CUresult failed = enqueue(stream, std::move(copy))) return failed;
  // The real driver waits here too.
  if (pageableDestination && !stream.capture) awaitStream(stream);
  return CUDA_SUCCESS;
}

CUresult copyOfBox(Call& call, const char* function, const CUDA_MEMCPY3D& p, CopyWork* out) {
  if (p.srcMemoryType == CU_MEMORYTYPE_ARRAY || p.dstMemoryType == CU_MEMORYTYPE_ARRAY || p.srcLOD ||
      p.dstLOD)
    return refuse(function, CUDA_ERROR_NOT_SUPPORTED, "copies of arrays are not served");
  const bool sourceHost = p.srcMemoryType == CU_MEMORYTYPE_HOST,
             destinationHost = p.dstMemoryType == CU_MEMORYTYPE_HOST;
  const uint64_t source = sourceHost ? reinterpret_cast<uint64_t>(p.srcHost) : p.srcDevice;
  const uint64_t destination = destinationHost ? reinterpret_cast<uint64_t>(p.dstHost) : p.dstDevice;
  CopyWork copy;
  copy.width = p.WidthInBytes, copy.height = p.Height, copy.depth = p.Depth;
  copy.sourcePitch = p.srcPitch, copy.destinationPitch = p.dstPitch;
  if (copy.height <= 1 && copy.depth <= 1 && copy.sourcePitch == 0) copy.sourcePitch = copy.width;
  if (copy.height <= 1 && copy.depth <= 1 && copy.destinationPitch == 0) copy.destinationPitch = copy.width;
  if (copy.sourcePitch < p.srcXInBytes + p.WidthInBytes ||
      copy.destinationPitch < p.dstXInBytes + p.WidthInBytes)
    return refuse(function, CUDA_ERROR_INVALID_VALUE, "a pitch is smaller than the row");
  copy.sourceSlice = copy.sourcePitch * p.srcHeight,
  copy.destinationSlice = copy.destinationPitch * p.dstHeight;
  copy.source = source + p.srcXInBytes + p.srcY * copy.sourcePitch + p.srcZ * copy.sourceSlice;
  copy.destination =
      destination + p.dstXInBytes + p.dstY * copy.destinationPitch + p.dstZ * copy.destinationSlice;
  const auto onDevice = [&](CUmemorytype type, uint64_t address) {
    return type == CU_MEMORYTYPE_DEVICE || (type == CU_MEMORYTYPE_UNIFIED && isDeviceAddress(call, address));
  };
  copy.sourceOnDevice = onDevice(p.srcMemoryType, source);
  copy.destinationOnDevice = onDevice(p.dstMemoryType, destination);
  copy.asked = p;
  *out = std::move(copy);
  return CUDA_SUCCESS;
}

}  // namespace softcuda
