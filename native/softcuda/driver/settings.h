// What the environment (SOFTCUDA_*) asks of the software driver. The README of native/softcuda lists it.
#pragma once

#include <cstdint>
#include <string>

#include "cuda_abi.h"

namespace softcuda {

// The n-th event of a kind fails with `code`; n = 0: none does.
struct InjectedFault {
  uint64_t at = 0;
  CUresult code = CUDA_SUCCESS;
};

enum class Order { late, random, eager };

struct Settings {
  std::string preset = "sm_90";
  int devices = 1;
  int driverVersion = 13000;
  uint64_t memoryBytes = 0;  // 0: the preset's
  bool noDevice = false;
  Order order = Order::late;
  uint64_t seed = 0;
  uint32_t checks = 31;  // bits of engine.h's Check
  bool checkPageable = true;
  bool leaks = false, trace = false, count = false;
  int threads = 0;
  uint64_t instructionBudget = 1ull << 40;
  uint64_t progressMilliseconds = 200;
  InjectedFault allocation, launch, copy, lost;
  std::string findingsFile, countersFile;
  std::string error;  // one line; not empty: cuInit fails with it

  static Settings fromEnvironment();
  // Sets one by its name without "SOFTCUDA_"; false leaves `error` with the reason.
  bool set(const std::string& name, const std::string& value);
};

}  // namespace softcuda
