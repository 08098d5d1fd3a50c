#include "lanes/lanes.h"

namespace softcuda {

namespace plain {
void addAll(Registry&);
}
namespace avx2 {
void addAll(Registry&);
}

const Registry& registry() {
  static const Registry handlers = [] {
    Registry all;
#ifdef SOFTCUDA_HAS_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
      avx2::addAll(all);
      return all;
    }
#endif
    plain::addAll(all);
    return all;
  }();
  return handlers;
}

Handler handlerNamed(const std::string& name) {
  auto found = registry().find(name);
  return found == registry().end() ? nullptr : found->second;
}

}  // namespace softcuda
