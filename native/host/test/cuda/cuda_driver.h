// The few calls of the CUDA driver that a host makes for itself: memory and a stream of its own.
#pragma once

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace coxswain::host::test {

// The driver that the process finds, with the primary context of device 0 current on this thread. Its methods
// throw std::runtime_error where a call fails.
class CudaDriver {
 public:
  CudaDriver() : library_(dlopen("libcuda.so.1", RTLD_NOW)) {
    if (library_ == nullptr) throw std::runtime_error(dlerror());
    void* context = nullptr;
    call<unsigned>("cuInit", 0);
    call<void**, int>("cuDevicePrimaryCtxRetain", &context, 0);
    call<void*>("cuCtxSetCurrent", context);
  }

  uint64_t allocate(size_t bytes) {
    uint64_t address = 0;
    call<uint64_t*, size_t>("cuMemAlloc_v2", &address, bytes);
    return address;
  }
  void free(uint64_t address) { call<uint64_t>("cuMemFree_v2", address); }

  // A new stream, which does not wait for the default one.
  void* stream() {
    constexpr unsigned kNonBlocking = 1;
    void* stream = nullptr;
    call<void**, unsigned>("cuStreamCreate", &stream, kNonBlocking);
    return stream;
  }
  void synchronize(void* stream) { call<void*>("cuStreamSynchronize", stream); }

  // Waits until the bytes are there: a copy from pageable memory returns before, and only the default stream
  // knows.
  void write(uint64_t address, const void* source, size_t bytes) {
    call<uint64_t, const void*, size_t>("cuMemcpyHtoD_v2", address, source, bytes);
    synchronize(nullptr);
  }
  void read(uint64_t address, void* target, size_t bytes) {
    call<void*, uint64_t, size_t>("cuMemcpyDtoH_v2", target, address, bytes);
  }

 private:
  template <class... Types>
  void call(const char* name, Types... arguments) {
    auto function = reinterpret_cast<int (*)(Types...)>(dlsym(library_, name));
    if (function == nullptr) throw std::runtime_error(std::string("no ") + name);
    int result = function(arguments...);
    if (result != 0) throw std::runtime_error(std::string(name) + " returns " + std::to_string(result));
  }

  void* library_;
};

// Bytes of a host in CUDA memory, freed with the object.
class CudaMemory {
 public:
  CudaMemory(CudaDriver& driver, const std::vector<uint8_t>& content)
      : driver_(driver), bytes_(content.size()), address_(driver.allocate(content.size())) {
    driver.write(address_, content.data(), bytes_);
  }
  ~CudaMemory() { driver_.free(address_); }
  CudaMemory(const CudaMemory&) = delete;
  CudaMemory& operator=(const CudaMemory&) = delete;

  void* data() const { return reinterpret_cast<void*>(address_); }
  std::vector<uint8_t> content() const {
    std::vector<uint8_t> copy(bytes_);
    driver_.read(address_, copy.data(), bytes_);
    return copy;
  }

 private:
  CudaDriver& driver_;
  size_t bytes_;
  uint64_t address_;
};

}  // namespace coxswain::host::test
