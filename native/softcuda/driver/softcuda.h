// What the software driver exports beside the driver API: control for tests, and hooks for libraries that
// stand on it (our cuBLAS). C names, so that dlsym and LWJGL reach them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda_abi.h"

extern "C" {

// Forgets every context, allocation, finding and counter, as if the process had not called cuInit; the
// settings are read from the environment again. Handles and memory of before are invalid.
void softcudaReset();
// Changes one setting of the running driver by its name without "SOFTCUDA_"; 0, or 1 with the reason on
// stderr.
int softcudaSet(const char* name, const char* value);
int softcudaFindings();  // findings since the start or the last reset
void softcudaDumpCounters();

// Work of a library in a stream's order: `run(data)` is called once when its turn comes, or once a graph
// launch when the stream is captured; `release(data)` when nothing may run it any more. `run` may use
// softcudaReadable and softcudaWritten, and no other call.
CUresult softcudaEnqueue(CUstream, const char* name, CUresult (*run)(void* data), void* data,
                         void (*release)(void* data));
// Inside `run`: whether device memory is live, and initialised where that is checked; a finding otherwise.
CUresult softcudaReadable(const char* what, uint64_t address, size_t bytes);
// Inside `run`: device memory that the library is about to write; a finding if it is not live.
CUresult softcudaWritten(const char* what, uint64_t address, size_t bytes);
uint64_t softcudaSeed();
}
