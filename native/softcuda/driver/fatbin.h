// Finds the PTX in a module image: PTX text, a fatbin of nvcc (its PTX may be compressed), or a cubin.
#pragma once

#include <string>

#include "cuda_abi.h"

namespace softcuda {

struct PtxImage {
  CUresult error = CUDA_SUCCESS;
  std::string text;  // the PTX; with an error, the reason in one line
};

// The newest PTX in `image` that a device of `computeCapability` (90: 9.0) may run. A cubin is
// CUDA_ERROR_NO_BINARY_FOR_GPU: softcuda runs PTX only.
PtxImage findPtx(const void* image, int computeCapability);

// The numbers of `.version 9.0` (90) and `.target sm_80` (80) in a PTX text; 0: there is none.
int ptxVersion(const std::string& ptx);
int ptxTarget(const std::string& ptx);
// The newest PTX version that a driver of `cudaVersion` (12000) takes.
int newestPtxVersion(int cudaVersion);

}  // namespace softcuda
