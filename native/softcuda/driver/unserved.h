// Entry points that the library exports and does not serve: CMake writes a weak definition for each name of
// symbols.txt.
#pragma once

#include "cuda_abi.h"

namespace softcuda {

// CUDA_ERROR_NOT_SUPPORTED, and a line on stderr the first time.
CUresult unserved(const char* name);

}  // namespace softcuda
