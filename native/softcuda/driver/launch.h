// Checks a launch when it is called and runs it when its turn comes.
#pragma once

#include "call.h"

namespace softcuda {

struct LaunchRequest {
  CUfunction function;
  std::array<unsigned, 3> grid, block;
  unsigned dynamicShared;
  void **parameters, **extra;  // one of the two, as cuLaunchKernel takes them
  bool cooperative = false;
};

// The work of a request, its parameters copied; else an error, explained on stderr.
CUresult prepareLaunch(Call&, const char* entryPoint, const LaunchRequest&, KernelWork* out);

// CTAs of a kernel that fit one multiprocessor at a time; registers are not known and do not count.
int residentCtas(const Function&, unsigned threads, size_t dynamicShared);

}  // namespace softcuda
