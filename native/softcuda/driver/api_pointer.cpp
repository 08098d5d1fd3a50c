// What an address is.
#include <cstring>

#include "call.h"

namespace softcuda {
namespace {

enum PointerAttribute {
  context = 1,
  memoryType = 2,
  devicePointer = 3,
  hostPointer = 4,
  syncMemops = 6,
  bufferId = 7,
  isManaged = 8,
  deviceOrdinal = 9,
  legacyIpc = 10,
  rangeStart = 11,
  rangeSize = 12,
  mapped = 13,
  allowedHandleTypes = 14,
  gpuDirect = 15,
  accessFlags = 16,
  poolHandle = 17,
};

template <class T>
CUresult answer(void* out, T value) {
  std::memcpy(out, &value, sizeof value);
  return CUDA_SUCCESS;
}

CUresult attributeOf(const Block& block, int attribute, uint64_t address, void* out) {
  const bool host = block.space == Memory::Space::pinnedHost || block.space == Memory::Space::registeredHost;
  const bool managed = block.space == Memory::Space::managed;
  switch (attribute) {
    case context:
      return answer(out, block.context->handle);
    case memoryType:
      return answer(out, unsigned(host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE));
    case devicePointer:
      return answer(out, address);
    case hostPointer:
      return host || managed ? answer(out, address) : CUDA_ERROR_INVALID_VALUE;
    case syncMemops:
    case legacyIpc:
    case gpuDirect:
      return answer(out, false);
    case bufferId:
      return answer(out, block.serial);
    case isManaged:
      return answer(out, managed);
    case deviceOrdinal:
      return answer(out, block.context->device->ordinal);
    case rangeStart:
      return answer(out, block.base);
    case rangeSize:
      return answer(out, block.bytes);
    case mapped:
      return answer(out, true);
    case allowedHandleTypes:
      return answer(out, uint64_t{0});
    case accessFlags:
      return answer(out, 3);
    case poolHandle:
      return answer(out, block.pool);
    default:
      return CUDA_ERROR_NOT_SUPPORTED;
  }
}

// A module's global belongs to nobody's list; it is device memory of its context.
bool blockOf(Call& call, uint64_t address, Block* out) {
  if (const Block* block = call.driver.blockAt(address)) {
    *out = *block;
    return true;
  }
  Memory::Allocation found;
  const auto current = currentContext();
  if (!current || !current->device->memory->find(address, &found) || found.freed) return false;
  out->base = found.base, out->bytes = found.bytes, out->context = current.get(), out->serial = found.serial;
  return true;
}

}  // namespace

CU_API cuPointerGetAttribute(void* out, int attribute, CUdeviceptr address) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    Block block;
    if (!out || !blockOf(call, address, &block)) return CUDA_ERROR_INVALID_VALUE;
    return attributeOf(block, attribute, address, out);
  });
}

// Unlike the above, an unknown address is no error: its attributes are zero, the device is -2.
CU_API cuPointerGetAttributes(unsigned count, int* attributes, void** out, CUdeviceptr address) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    if (!attributes || !out) return CUDA_ERROR_INVALID_VALUE;
    Block block;
    const bool known = blockOf(call, address, &block);
    for (unsigned i = 0; i < count; ++i) {
      const int attribute = attributes[i];
      if (known && attributeOf(block, attribute, address, out[i]) == CUDA_SUCCESS) continue;
      if (attribute == deviceOrdinal)
        answer(out[i], -2);
      else if (attribute == memoryType)
        answer(out[i], 0u);
      else if (attribute == isManaged || attribute == mapped || attribute == syncMemops)
        answer(out[i], false);
      else
        answer(out[i], uint64_t{0});
    }
    return CUDA_SUCCESS;
  });
}

CU_API cuPointerSetAttribute(const void* value, int attribute, CUdeviceptr address) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    const bool good = value && attribute == syncMemops && call.driver.blockAt(address);
    return good ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

}  // namespace softcuda
