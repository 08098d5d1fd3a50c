// How lanes of a warp that parted come together for an instruction that names them.
#pragma once

#include "execute/warp.h"

namespace softcuda {

// The lanes for which the instruction happens now: `mask` and those of splits that wait at it. 0: lanes that
// the register `named` names are still on their way, and the running split waits for them.
uint32_t joinLanes(Warp& w, const Instr& in, Ref named, uint32_t mask);

}  // namespace softcuda
