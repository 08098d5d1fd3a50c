#include "cpu/isa.h"

#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace coxswain::cpu {
namespace {

constexpr Isa kAll[] = {Isa::kAvx512, Isa::kAvx2, Isa::kPortable};

Isa highestAllowed() {
  const char* cap = std::getenv("COX_MAX_ISA");
  if (cap == nullptr || *cap == '\0') return Isa::kAvx512;
  for (Isa isa : kAll) {
    if (std::strcmp(cap, isaName(isa)) == 0) return isa;
  }
  throw std::invalid_argument(std::string("COX_MAX_ISA is '") + cap + "'; use portable, avx2 or avx512");
}

}  // namespace

const char* isaName(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kPortable:
      return "portable";
  }
  return "unknown";
}

#ifdef COX_PORTABLE_ONLY
bool isaSupported(Isa isa) { return isa == Isa::kPortable; }
#else
bool isaSupported(Isa isa) {
  bool avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  switch (isa) {
    case Isa::kPortable:
      return true;
    case Isa::kAvx2:
      return avx2;
    case Isa::kAvx512:
      return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  }
  return false;
}
#endif

Isa bestIsa() {
  Isa cap = highestAllowed();
  for (Isa isa : kAll) {
    if (isa <= cap && isaSupported(isa)) return isa;
  }
  return Isa::kPortable;
}

}  // namespace coxswain::cpu
