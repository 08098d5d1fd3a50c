// An opcode's parts after its first word.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "program/program.h"
#include "ptx/types.h"

namespace softcuda {

// Whoever decodes an opcode takes what it understands; finish() refuses the rest by name.
class Modifiers {
 public:
  Modifiers(std::string_view opcode, uint32_t line);
  std::string_view base() const { return parts_[0]; }
  std::string_view opcode() const { return opcode_; }
  bool take(std::string_view modifier);
  bool peek(std::string_view modifier) const;
  // The first of `choices` that is there, taken; else empty.
  std::string_view takeOneOf(std::initializer_list<std::string_view> choices);
  // Takes every modifier that begins with `prefix`.
  bool takePrefixed(std::string_view prefix);
  ptx::Type takeType();  // the first type left, in order; fails where there is none
  ptx::Type takeTypeIf();
  bool takeRound(Round* round);  // .rn .rz .rm .rp .rna
  unsigned takeVector();         // .v2 .v4 .v8; 1 otherwise
  void finish() const;
  [[noreturn]] void fail(const std::string& what) const;

 private:
  std::string_view opcode_;
  uint32_t line_;
  std::vector<std::string_view> parts_;
};

}  // namespace softcuda
