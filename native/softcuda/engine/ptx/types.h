// Types and state spaces of PTX.
#pragma once

#include <cstdint>
#include <string_view>

namespace softcuda::ptx {

enum class Type : uint8_t {
  none,
  pred,
  b8,
  b16,
  b32,
  b64,
  b128,
  u8,
  u16,
  u32,
  u64,
  s8,
  s16,
  s32,
  s64,
  f16,
  f16x2,
  bf16,
  bf16x2,
  tf32,
  f32,
  f32x2,
  f64,
  e4m3,
  e5m2,
  e4m3x2,
  e5m2x2,
  s4,
  u4,
  b1,
  u16x2,
  s16x2
};

// The type that `name` (without its dot) means; none where it is no type.
Type typeNamed(std::string_view name);
std::string_view nameOf(Type);
// Width in bits; 1 for pred and b1.
unsigned bitsOf(Type);
inline unsigned bytesOf(Type type) { return (bitsOf(type) + 7) / 8; }
bool isSigned(Type);
bool isFloat(Type);  // f16, bf16, f32, f64, their pairs, tf32 and the 8-bit formats

enum class Space : uint8_t { generic, global, constant, shared, local, param, kernelParam, reg };
std::string_view nameOf(Space);

}  // namespace softcuda::ptx
