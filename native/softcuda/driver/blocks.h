// Memory that callers own: allocated with the injected faults, released once.
#pragma once

#include "call.h"

namespace softcuda {

// Fills *out (its flags are the caller's) and enters it; an error where there is no memory or a fault is
// injected.
CUresult allocateBlock(Call&, const char* function, size_t bytes, Memory::Space, Block* out);
void releaseBlock(Driver&, uint64_t base);

}  // namespace softcuda
