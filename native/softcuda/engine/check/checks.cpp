#include "check/checks.h"

namespace softcuda {

void check(Access&) {}

}  // namespace softcuda
