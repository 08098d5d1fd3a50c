#include "ptx/types.h"

#include <array>

namespace softcuda::ptx {
namespace {

struct Row {
  Type type;
  std::string_view name;
  unsigned bits;
  bool isSigned, isFloat;
};

constexpr std::array<Row, 32> kRows{{
    {Type::none, "", 0, false, false},        {Type::pred, "pred", 1, false, false},
    {Type::b8, "b8", 8, false, false},        {Type::b16, "b16", 16, false, false},
    {Type::b32, "b32", 32, false, false},     {Type::b64, "b64", 64, false, false},
    {Type::b128, "b128", 128, false, false},  {Type::u8, "u8", 8, false, false},
    {Type::u16, "u16", 16, false, false},     {Type::u32, "u32", 32, false, false},
    {Type::u64, "u64", 64, false, false},     {Type::s8, "s8", 8, true, false},
    {Type::s16, "s16", 16, true, false},      {Type::s32, "s32", 32, true, false},
    {Type::s64, "s64", 64, true, false},      {Type::f16, "f16", 16, true, true},
    {Type::f16x2, "f16x2", 32, true, true},   {Type::bf16, "bf16", 16, true, true},
    {Type::bf16x2, "bf16x2", 32, true, true}, {Type::tf32, "tf32", 32, true, true},
    {Type::f32, "f32", 32, true, true},       {Type::f32x2, "f32x2", 64, true, true},
    {Type::f64, "f64", 64, true, true},       {Type::e4m3, "e4m3", 8, true, true},
    {Type::e5m2, "e5m2", 8, true, true},      {Type::e4m3x2, "e4m3x2", 16, true, true},
    {Type::e5m2x2, "e5m2x2", 16, true, true}, {Type::s4, "s4", 4, true, false},
    {Type::u4, "u4", 4, false, false},        {Type::b1, "b1", 1, false, false},
    {Type::u16x2, "u16x2", 32, false, false}, {Type::s16x2, "s16x2", 32, true, false},
}};

const Row& row(Type type) { return kRows[static_cast<size_t>(type)]; }

}  // namespace

Type typeNamed(std::string_view name) {
  for (const Row& each : kRows)
    if (each.type != Type::none && each.name == name) return each.type;
  return Type::none;
}

std::string_view nameOf(Type type) { return row(type).name; }
unsigned bitsOf(Type type) { return row(type).bits; }
bool isSigned(Type type) { return row(type).isSigned; }
bool isFloat(Type type) { return row(type).isFloat; }

std::string_view nameOf(Space space) {
  static constexpr std::array<std::string_view, 8> names{"generic", "global", "const",        "shared",
                                                         "local",   "param",  "kernel param", "register"};
  return names[static_cast<size_t>(space)];
}

}  // namespace softcuda::ptx
