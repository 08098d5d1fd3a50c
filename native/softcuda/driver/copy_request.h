// From what a caller asks to work in a stream: which side is where, what is allowed, who waits.
#pragma once

#include "call.h"

namespace softcuda {

enum class Waits { asCuda, never };  // a synchronous entry point waits where CUDA says so; an async one never

// Copies in `stream`. The sides' kinds must be set.
CUresult submitCopy(Call&, const char* function, Stream&, CopyWork, Waits);
// Whether an address is device memory (managed too) rather than the host's; a null block is the host's.
bool isDeviceAddress(const Call&, uint64_t address);
// The work of a box copy as cuMemcpy2D/3D and memcpy nodes describe it.
CUresult copyOfBox(Call&, const char* function, const CUDA_MEMCPY3D&, CopyWork* out);

}  // namespace softcuda
