// mbarrier objects: 64 bits in shared memory.
#pragma once

#include "execute/launch.h"
#include "program/details.h"

namespace softcuda {

// `count` arrivals by one lane; `drop`: they are expected no more in later phases. The state before.
uint64_t arriveAt(Warp& w, const MemoryDetail& detail, int lane, uint64_t address, uint32_t count, bool drop);
// `bytes` that a copy has delivered.
void completeAt(Warp& w, const MemoryDetail& detail, int lane, uint64_t address, uint32_t bytes);

}  // namespace softcuda
