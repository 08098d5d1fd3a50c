#include "presets.h"

#include <array>
#include <climits>
#include <map>

namespace softcuda {
namespace {

DeviceLimits limits(int major, int minor, int multiprocessors, uint32_t sharedPerSm, uint32_t threadsPerSm,
                    uint32_t ctasPerSm, uint64_t memoryGib, uint64_t l2Mib) {
  DeviceLimits l;
  l.computeMajor = major, l.computeMinor = minor, l.multiprocessors = multiprocessors;
  // A CTA reserves 1 KiB of its SM's shared memory for the system.
  l.sharedPerSm = sharedPerSm, l.sharedPerCtaOptin = sharedPerSm - 1024;
  l.threadsPerSm = threadsPerSm, l.ctasPerSm = ctasPerSm;
  l.totalMemory = memoryGib << 30, l.l2Bytes = l2Mib << 20;
  return l;
}

const std::array<Preset, 3>& presets() {
  static const std::array<Preset, 3> all{{
      {"sm_80", "software CUDA driver (test), as NVIDIA A100-SXM4-80GB",
       limits(8, 0, 108, 167936, 2048, 32, 80, 40), 1410000, 1593000, 5120, 65536, 3, 31457280, false},
      {"sm_89", "software CUDA driver (test), as NVIDIA L4", limits(8, 9, 58, 102400, 1536, 24, 24, 48),
       2040000, 6251000, 192, 65536, 2, 34603008, false},
      {"sm_90", "software CUDA driver (test), as NVIDIA H100 80GB HBM3",
       limits(9, 0, 132, 233472, 2048, 32, 80, 50), 1980000, 2619000, 5120, 65536, 3, 32768000, true},
  }};
  return all;
}

// What is the same on the three. Textures, surfaces, virtual memory, IPC and the like: not served, so 0.
const std::map<int, int>& commonAttributes() {
  static const std::map<int, int> values{
      {2, 1024},     {3, 1024},  {4, 64},     // MAX_BLOCK_DIM_*
      {5, INT_MAX},  {6, 65535}, {7, 65535},  // MAX_GRID_DIM_*
      {9, 65536},                             // TOTAL_CONSTANT_MEMORY
      {10, 32},                               // WARP_SIZE
      {11, INT_MAX},                          // MAX_PITCH
      {14, 512},     {15, 1},                 // TEXTURE_ALIGNMENT, GPU_OVERLAP
      {19, 1},       {30, 512},  {31, 1},     // CAN_MAP_HOST_MEMORY, SURFACE_ALIGNMENT, CONCURRENT_KERNELS
      {32, 1},       {41, 1},    {51, 32},    // ECC_ENABLED, UNIFIED_ADDRESSING, TEXTURE_PITCH_ALIGNMENT
      {78, 1},       {79, 1},    {80, 1},     // STREAM_PRIORITIES, GLOBAL_L1, LOCAL_L1
      {83, 1},       {87, 2},    {90, 1},     // MANAGED_MEMORY, SINGLE_TO_DOUBLE, COMPUTE_PREEMPTION
      {91, 1},                                // CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM
      {95, 1},                                // COOPERATIVE_LAUNCH
      {99, 1},       {113, 1},                // HOST_REGISTER_SUPPORTED, READ_ONLY_HOST_REGISTER
      {111, 1024},                            // RESERVED_SHARED_MEMORY_PER_BLOCK
      {115, 1},                               // MEMORY_POOLS_SUPPORTED
      {134, 0},
  };
  return values;
}

}  // namespace

const Preset* findPreset(const std::string& architecture) {
  for (const Preset& preset : presets())
    if (architecture == preset.architecture) return &preset;
  return nullptr;
}

bool deviceAttribute(const Preset& preset, int attribute, int* value) {
  constexpr int lastKnown = 147;
  const DeviceLimits& l = preset.limits;
  switch (attribute) {
    case 1:
      *value = int(l.maxThreadsPerCta);
      return true;  // MAX_THREADS_PER_BLOCK
    case 8:
      *value = int(l.sharedPerCta);
      return true;  // MAX_SHARED_MEMORY_PER_BLOCK
    case 12:
      *value = preset.maxRegistersPerCta;
      return true;  // MAX_REGISTERS_PER_BLOCK
    case 13:
      *value = preset.clockKilohertz;
      return true;  // CLOCK_RATE
    case 16:
      *value = l.multiprocessors;
      return true;  // MULTIPROCESSOR_COUNT
    case 36:
      *value = preset.memoryClockKilohertz;
      return true;  // MEMORY_CLOCK_RATE
    case 37:
      *value = preset.memoryBusBits;
      return true;  // GLOBAL_MEMORY_BUS_WIDTH
    case 38:
      *value = int(l.l2Bytes);
      return true;  // L2_CACHE_SIZE
    case 39:
      *value = int(l.threadsPerSm);
      return true;  // MAX_THREADS_PER_MULTIPROCESSOR
    case 40:
      *value = preset.asyncEngines;
      return true;  // ASYNC_ENGINE_COUNT
    case 75:
      *value = l.computeMajor;
      return true;  // COMPUTE_CAPABILITY_MAJOR
    case 76:
      *value = l.computeMinor;
      return true;  // COMPUTE_CAPABILITY_MINOR
    case 81:
      *value = int(l.sharedPerSm);
      return true;  // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
    case 82:
      *value = int(l.registersPerSm);
      return true;  // MAX_REGISTERS_PER_MULTIPROCESSOR
    case 97:
      *value = int(l.sharedPerCtaOptin);
      return true;  // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    case 106:
      *value = int(l.ctasPerSm);
      return true;  // MAX_BLOCKS_PER_MULTIPROCESSOR
    case 108:
      *value = preset.persistingL2Bytes;
      return true;  // MAX_PERSISTING_L2_CACHE_SIZE
    default:
      break;
  }
  if (attribute < 1 || attribute > lastKnown) return false;
  const auto common = commonAttributes().find(attribute);
  *value = common == commonAttributes().end() ? 0 : common->second;
  return true;
}

}  // namespace softcuda
