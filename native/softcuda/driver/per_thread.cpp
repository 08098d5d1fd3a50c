// The names that a program compiled for per-thread default streams calls: cuX_ptsz and cuX_ptds are cuX with
// another null stream. weak_symbols.cpp, which CMake writes, has a jump for each.
#include "call.h"

namespace softcuda {
namespace {

thread_local bool nextCall = false, thisCall = false;

}  // namespace

extern "C" __attribute__((visibility("hidden"))) void softcudaNullStreamIsPerThread() { nextCall = true; }

NullStreamScope::NullStreamScope() {
  thisCall = nextCall;
  nextCall = false;
}
NullStreamScope::~NullStreamScope() { thisCall = false; }

bool nullStreamIsPerThread() { return thisCall; }

}  // namespace softcuda
