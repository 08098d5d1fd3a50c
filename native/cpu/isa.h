// Instruction sets a kernel exists for, and which of them this machine can run.
#pragma once

#include <string>

namespace coxswain::cpu {

/** In ascending order of preference; the numbers are also Native.java's. */
enum class Isa { kPortable = 0, kAvx2 = 1, kAvx512 = 2 };

/** As in COX_MAX_ISA: portable, avx2, avx512. */
const char* isaName(Isa isa);

bool isaSupported(Isa isa);

/**
 * The best supported one, not above the environment's COX_MAX_ISA.
 * Throws std::invalid_argument where COX_MAX_ISA is set to an unknown name.
 */
Isa bestIsa();

}  // namespace coxswain::cpu
