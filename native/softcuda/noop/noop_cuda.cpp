// A libcuda.so.1 whose device memory is the host's and whose kernels do nothing: it costs next to no time, so
// a benchmark above it measures our own share of a launch. Answers only what the Java side calls.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#define COX_DRIVER extern "C" __attribute__((visibility("default"))) int

namespace {
constexpr int kSuccess = 0, kOutOfMemory = 2;
constexpr int kVersion = 12060;
constexpr size_t kMemory = size_t{80} << 30;

int aligned(uint64_t* address, size_t bytes) {
  void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  *address = reinterpret_cast<uint64_t>(memory);
  return memory ? kSuccess : kOutOfMemory;
}

void* handle(uintptr_t number) { return reinterpret_cast<void*>(number); }
void* host(uint64_t address) { return reinterpret_cast<void*>(address); }
}  // namespace

COX_DRIVER cuInit(unsigned) { return kSuccess; }
COX_DRIVER cuDriverGetVersion(int* version) { return *version = kVersion, kSuccess; }
COX_DRIVER cuDeviceGetCount(int* count) { return *count = 1, kSuccess; }
COX_DRIVER cuDeviceGet(int* device, int ordinal) { return *device = ordinal, kSuccess; }
COX_DRIVER cuDeviceGetName(char* name, int bytes, int) {
  return std::strncpy(name, "no-op driver", bytes), kSuccess;
}
COX_DRIVER cuDeviceTotalMem_v2(size_t* bytes, int) { return *bytes = kMemory, kSuccess; }
COX_DRIVER cuDeviceGetAttribute(int* value, int attribute, int) {
  switch (attribute) {
    case 75:
      *value = 9;
      break;  // COMPUTE_CAPABILITY_MAJOR
    case 76:
      *value = 0;
      break;  // COMPUTE_CAPABILITY_MINOR
    case 16:
      *value = 132;
      break;  // MULTIPROCESSOR_COUNT
    case 97:
      *value = 227 << 10;
      break;  // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    case 38:
      *value = 50 << 20;
      break;  // L2_CACHE_SIZE
    default:
      *value = 1024;
      break;
  }
  return kSuccess;
}

COX_DRIVER cuDevicePrimaryCtxRetain(void** context, int) { return *context = handle(1), kSuccess; }
COX_DRIVER cuDevicePrimaryCtxRelease_v2(int) { return kSuccess; }
COX_DRIVER cuCtxPushCurrent_v2(void*) { return kSuccess; }
COX_DRIVER cuCtxPopCurrent_v2(void** context) { return *context = handle(1), kSuccess; }

COX_DRIVER cuMemAlloc_v2(uint64_t* address, size_t bytes) { return aligned(address, bytes); }
COX_DRIVER cuMemFree_v2(uint64_t address) { return std::free(host(address)), kSuccess; }
COX_DRIVER cuMemAllocHost_v2(void** memory, size_t bytes) {
  return aligned(reinterpret_cast<uint64_t*>(memory), bytes);
}
COX_DRIVER cuMemFreeHost(void* memory) { return std::free(memory), kSuccess; }
COX_DRIVER cuMemGetInfo_v2(size_t* free, size_t* total) { return *free = *total = kMemory, kSuccess; }
COX_DRIVER cuMemcpyHtoDAsync_v2(uint64_t target, const void* source, size_t bytes, void*) {
  return std::memcpy(host(target), source, bytes), kSuccess;
}
COX_DRIVER cuMemcpyDtoHAsync_v2(void* target, uint64_t source, size_t bytes, void*) {
  return std::memcpy(target, host(source), bytes), kSuccess;
}
COX_DRIVER cuMemcpyDtoDAsync_v2(uint64_t target, uint64_t source, size_t bytes, void*) {
  return std::memmove(host(target), host(source), bytes), kSuccess;
}
COX_DRIVER cuMemsetD8Async(uint64_t target, unsigned char value, size_t bytes, void*) {
  return std::memset(host(target), value, bytes), kSuccess;
}

COX_DRIVER cuStreamCreate(void** stream, unsigned) { return *stream = handle(2), kSuccess; }
COX_DRIVER cuStreamSynchronize(void*) { return kSuccess; }
COX_DRIVER cuStreamDestroy_v2(void*) { return kSuccess; }
COX_DRIVER cuEventCreate(void** event, unsigned) { return *event = handle(3), kSuccess; }
COX_DRIVER cuEventRecord(void*, void*) { return kSuccess; }
COX_DRIVER cuEventSynchronize(void*) { return kSuccess; }
COX_DRIVER cuEventDestroy_v2(void*) { return kSuccess; }

COX_DRIVER cuModuleLoadData(void** module, const void*) { return *module = handle(4), kSuccess; }
COX_DRIVER cuModuleUnload(void*) { return kSuccess; }
COX_DRIVER cuModuleGetFunction(void** function, void*, const char*) {
  return *function = handle(5), kSuccess;
}
COX_DRIVER cuFuncSetAttribute(void*, int, int) { return kSuccess; }
COX_DRIVER cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void*, int, size_t) {
  return *blocks = 4, kSuccess;
}
COX_DRIVER cuLaunchKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*,
                          void**, void**) {
  return kSuccess;
}
