// Driver, devices and their attributes.
#include <cstdio>
#include <cstring>

#include "call.h"
#include "errors.h"

namespace softcuda {
namespace {

Device* deviceOf(Call& call, CUdevice ordinal) {
  return ordinal >= 0 && size_t(ordinal) < call.driver.devices.size() ? call.driver.devices[ordinal].get()
                                                                      : nullptr;
}

// Runs `body(device)` or answers CUDA_ERROR_INVALID_DEVICE; null results are CUDA_ERROR_INVALID_VALUE.
template <class Body>
CUresult withDevice(const char* function, CUdevice ordinal, const void* result, Body&& body) {
  return guarded(function, Needs::driver, [&](Call& call) {
    Device* device = deviceOf(call, ordinal);
    if (!device) return CUDA_ERROR_INVALID_DEVICE;
    if (!result) return CUDA_ERROR_INVALID_VALUE;
    return body(*device);
  });
}

CUresult uuid(const char* function, CUuuid* out, CUdevice ordinal) {
  return withDevice(function, ordinal, out, [&](Device& device) {
    std::memset(out, 0, sizeof *out);
    std::memcpy(out->bytes, "softcuda-test", 13);
    out->bytes[15] = char(device.ordinal);
    return CUDA_SUCCESS;
  });
}

std::string busId(const Device& device) {
  char text[16];
  std::snprintf(text, sizeof text, "0000:%02x:00.0", device.ordinal + 1);
  return text;
}

}  // namespace

CU_API cuInit(unsigned flags) {
  if (insideHostFunction()) return CUDA_ERROR_NOT_PERMITTED;
  Driver& driver = Driver::get();
  const std::lock_guard<std::mutex> hold(driver.gate);
  const CUresult result = flags ? CUDA_ERROR_INVALID_VALUE : driver.initialize();
  traceCall("cuInit", result);
  return result;
}

CU_API cuDriverGetVersion(int* version) {
  if (!version) return CUDA_ERROR_INVALID_VALUE;
  Driver& driver = Driver::get();
  const std::lock_guard<std::mutex> hold(driver.gate);
  // Answered before cuInit as well.
  *version = (driver.initialized ? driver.settings : Settings::fromEnvironment()).driverVersion;
  return CUDA_SUCCESS;
}

CU_API cuDeviceGetCount(int* count) {
  return guarded(__func__, Needs::driver, [&](Call& call) {
    if (!count) return CUDA_ERROR_INVALID_VALUE;
    *count = int(call.driver.devices.size());
    return CUDA_SUCCESS;
  });
}

CU_API cuDeviceGet(CUdevice* device, int ordinal) {
  return withDevice(__func__, ordinal, device, [&](Device&) {
    *device = ordinal;
    return CUDA_SUCCESS;
  });
}

CU_API cuDeviceGetName(char* name, int length, CUdevice ordinal) {
  return withDevice(__func__, ordinal, name, [&](Device& device) {
    if (length <= 0) return CUDA_ERROR_INVALID_VALUE;
    std::snprintf(name, size_t(length), "%s", device.preset->name);
    return CUDA_SUCCESS;
  });
}

CU_API cuDeviceGetUuid(CUuuid* out, CUdevice ordinal) { return uuid(__func__, out, ordinal); }
CU_API cuDeviceGetUuid_v2(CUuuid* out, CUdevice ordinal) { return uuid(__func__, out, ordinal); }

CU_API cuDeviceTotalMem_v2(size_t* bytes, CUdevice ordinal) {
  return withDevice(__func__, ordinal, bytes, [&](Device& device) {
    *bytes = device.limits.totalMemory;
    return CUDA_SUCCESS;
  });
}

CU_API cuDeviceGetAttribute(int* value, int attribute, CUdevice ordinal) {
  return withDevice(__func__, ordinal, value, [&](Device& device) {
    constexpr int pciBusId = 33;
    if (!deviceAttribute(*device.preset, attribute, value)) return CUDA_ERROR_INVALID_VALUE;
    if (attribute == pciBusId) *value = device.ordinal + 1;
    return CUDA_SUCCESS;
  });
}

CU_API cuDeviceComputeCapability(int* major, int* minor, CUdevice ordinal) {
  return withDevice(__func__, ordinal, major && minor ? major : nullptr, [&](Device& device) {
    *major = device.limits.computeMajor, *minor = device.limits.computeMinor;
    return CUDA_SUCCESS;
  });
}

CU_API cuDeviceGetProperties(CUdevprop* out, CUdevice ordinal) {
  return withDevice(__func__, ordinal, out, [&](Device& device) {
    const auto get = [&](int attribute) {
      int value = 0;
      deviceAttribute(*device.preset, attribute, &value);
      return value;
    };
    *out = {get(1),
            {get(2), get(3), get(4)},
            {get(5), get(6), get(7)},
            get(8),
            get(9),
            get(10),
            get(11),
            get(12),
            get(13),
            get(14)};
    return CUDA_SUCCESS;
  });
}

CU_API cuDeviceGetPCIBusId(char* out, int length, CUdevice ordinal) {
  return withDevice(__func__, ordinal, out, [&](Device& device) {
    if (length < 13) return CUDA_ERROR_INVALID_VALUE;
    std::snprintf(out, size_t(length), "%s", busId(device).c_str());
    return CUDA_SUCCESS;
  });
}

CU_API cuDeviceGetByPCIBusId(CUdevice* out, const char* id) {
  return guarded(__func__, Needs::driver, [&](Call& call) {
    if (!out || !id) return CUDA_ERROR_INVALID_VALUE;
    for (const auto& device : call.driver.devices) {
      if (busId(*device) != id) continue;
      *out = device->ordinal;
      return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_DEVICE;
  });
}

CU_API cuDeviceCanAccessPeer(int* can, CUdevice ordinal, CUdevice peer) {
  return withDevice(__func__, ordinal, can, [&](Device&) {
    if (peer < 0 || size_t(peer) >= Driver::get().devices.size()) return CUDA_ERROR_INVALID_DEVICE;
    *can = 0;
    return CUDA_SUCCESS;
  });
}

CU_API cuDeviceGetP2PAttribute(int* value, int attribute, CUdevice source, CUdevice destination) {
  return withDevice(__func__, source, value, [&](Device&) {
    if (attribute < 1 || attribute > 5) return CUDA_ERROR_INVALID_VALUE;
    if (destination < 0 || size_t(destination) >= Driver::get().devices.size() || destination == source)
      return CUDA_ERROR_INVALID_DEVICE;
    *value = 0;
    return CUDA_SUCCESS;
  });
}

CU_API cuGetErrorString(CUresult code, const char** text) {
  if (!text) return CUDA_ERROR_INVALID_VALUE;
  const ErrorText* error = errorText(code);
  *text = error ? error->description : nullptr;
  return error ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CU_API cuGetErrorName(CUresult code, const char** text) {
  if (!text) return CUDA_ERROR_INVALID_VALUE;
  const ErrorText* error = errorText(code);
  *text = error ? error->name : nullptr;
  return error ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

}  // namespace softcuda
