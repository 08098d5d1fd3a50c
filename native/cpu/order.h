// The one definition of "larger value, then lower index": 64-bit keys that sort descending.
#pragma once

#include <cstdint>
#include <cstring>

namespace coxswain::cpu {

/** Below the key of every score; NaN has it. */
constexpr uint64_t kNoKey = 0;

/** Orders floats as unsigned integers; −0 counts as +0. Not for NaN. */
static inline uint32_t orderedBits(float value) {
  value += 0.0f;
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

static inline float fromOrderedBits(uint32_t ordered) {
  uint32_t bits = (ordered & 0x80000000u) != 0 ? ordered & 0x7fffffffu : ~ordered;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/** A score that overflowed to +Inf counts as the largest finite float, so that values stay finite. */
static inline uint64_t orderKey(float score, uint32_t index) {
  if (score != score) return kNoKey;
  if (score > 0x1.fffffep127f) score = 0x1.fffffep127f;
  return static_cast<uint64_t>(orderedBits(score)) << 32 | static_cast<uint32_t>(~index);
}

static inline float keyScore(uint64_t key) { return fromOrderedBits(static_cast<uint32_t>(key >> 32)); }

static inline uint32_t keyIndex(uint64_t key) { return ~static_cast<uint32_t>(key); }

}  // namespace coxswain::cpu
