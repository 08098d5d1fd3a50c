// The GPUs whose limits and attributes the software driver shows.
#pragma once

#include <string>

#include "softcuda/engine/engine.h"

namespace softcuda {

struct Preset {
  const char* architecture;  // sm_90
  const char* name;          // as cuDeviceGetName says it: always "software CUDA driver (test)" first
  DeviceLimits limits;
  int clockKilohertz, memoryClockKilohertz, memoryBusBits, maxRegistersPerCta, asyncEngines,
      persistingL2Bytes;
  bool clusters;
};

const Preset* findPreset(const std::string& architecture);  // null: no such
// The value of a CUdevice_attribute; false: unknown to the driver.
bool deviceAttribute(const Preset&, int attribute, int* value);

}  // namespace softcuda
