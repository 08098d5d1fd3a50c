// Element types of hidden states, and the largest values they hold.
#pragma once

#include <cstddef>
#include <cstdint>

namespace coxswain::cpu {

/** The numbers are also Native.java's. */
enum class Dtype : int { kF32 = 0, kF16 = 1, kBf16 = 2 };

constexpr size_t dtypeBytes(Dtype dtype) { return dtype == Dtype::kF32 ? 4 : 2; }

/** Largest finite value. */
constexpr float largestFinite(Dtype dtype) {
  return dtype == Dtype::kF32 ? 0x1.fffffep127f : dtype == Dtype::kF16 ? 65504.0f : 0x1.fep127f;
}

/** Smallest magnitude that rounds (nearest, ties to even) to infinity. */
constexpr float overflowsFrom(Dtype dtype) {
  return dtype == Dtype::kF32 ? __builtin_inff() : dtype == Dtype::kF16 ? 65520.0f : 0x1.ffp127f;
}

}  // namespace coxswain::cpu
