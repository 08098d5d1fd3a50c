// The checkers and counters that see every access.
#pragma once

#include "execute/access.h"

namespace softcuda {

// After bounds and alignment are known to be right.
void check(Access& access);

}  // namespace softcuda
