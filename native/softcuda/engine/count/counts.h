// From what the workers counted to a launch's counters.
#pragma once

#include "execute/launch.h"

namespace softcuda {

Counters collect(const Launch& launch, const std::vector<std::unique_ptr<Worker>>& workers);

}  // namespace softcuda
