// The checkers and counters that see every access.
#pragma once

#include "execute/access.h"

namespace softcuda {

// After bounds and alignment are known to be right, before bytes move.
void check(Access& access);

// traffic.cpp
void countGlobal(Access& access);
void countShared(Access& access);
// values.cpp
void checkValues(Access& access);
// shared_race.cpp
void checkSharedRace(Access& access);
// global_race.cpp
void checkGlobalRace(Access& access);
// To be called before a launch runs: what was remembered of others must not be taken for its own.
void forgetRaces(Launch& launch);

// cp.async puts a copy's bytes into shared memory.
void copyDelivered(Warp& w, const PendingCopy& copy);
// A lane has arrived at an mbarrier; a lane has seen that its phase is over.
void mbarrierArrived(Warp& w, int lane, uint64_t address);
void mbarrierPassed(Warp& w, int lane, uint64_t address);

}  // namespace softcuda
