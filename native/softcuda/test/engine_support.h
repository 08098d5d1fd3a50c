// A device for tests of the engine: memory, kernels from PTX text, launches.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "softcuda/engine/engine.h"

namespace softcuda::test {

// The head of a module and, around `body`, a kernel k of the given parameters: ".param .u64 p0, …".
std::string kernelText(const std::string& parameters, const std::string& body,
                       const std::string& globals = "");

class Device {
 public:
  template <class T>
  uint64_t upload(const std::vector<T>& values, const std::string& label = "array") {
    uint64_t address =
        memory.allocate(std::max<size_t>(values.size() * sizeof(T), 1), Memory::Space::device, label);
    std::memcpy(reinterpret_cast<void*>(address), values.data(), values.size() * sizeof(T));
    memory.markInitialized(address, values.size() * sizeof(T));
    return address;
  }
  // Memory that nothing has written.
  uint64_t reserve(uint64_t bytes, const std::string& label = "array") {
    return memory.allocate(bytes, Memory::Space::device, label);
  }
  template <class T>
  std::vector<T> download(uint64_t address, size_t count) const {
    std::vector<T> values(count);
    std::memcpy(values.data(), reinterpret_cast<const void*>(address), count * sizeof(T));
    return values;
  }
  // Parameters are 8 bytes each.
  LaunchResult run(const std::string& ptx, const LaunchShape& shape, const std::vector<uint64_t>& parameters,
                   const std::string& kernel = "k");

  Memory memory{1ull << 32};
  DeviceLimits limits;
  LaunchOptions options;
};

inline LaunchShape shapeOf(uint32_t grid, uint32_t block, uint32_t dynamicShared = 0) {
  LaunchShape shape;
  shape.grid = {grid, 1, 1};
  shape.block = {block, 1, 1};
  shape.dynamicShared = dynamicShared;
  return shape;
}

// The texts of all findings, for assertions.
std::string textOf(const LaunchResult& result);
bool found(const LaunchResult& result, Check check);

}  // namespace softcuda::test
