// Control flow: where the lanes that a branch parts meet again.
#pragma once

#include "program/program.h"

namespace softcuda {

// Sets Instr::rejoin of every instruction that can part lanes to its immediate post-dominator, and sends
// branches to a kernel's bare `ret` straight to kReturn.
void findRejoins(Function& function);

}  // namespace softcuda
