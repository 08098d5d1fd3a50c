// Functions that device code calls and that the driver's run time library provides.
#pragma once

#include "execute/launch.h"
#include "program/details.h"

namespace softcuda {

// vprintf, malloc, free, __assertfail, by one lane.
void systemCall(Warp& w, const CallDetail& call, int lane);

// The text that a format gives with arguments laid out as vprintf's buffer.
std::string formatted(Warp& w, int lane, uint64_t format, uint64_t arguments);

}  // namespace softcuda
