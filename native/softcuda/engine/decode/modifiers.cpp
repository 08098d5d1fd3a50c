#include "decode/modifiers.h"

#include <algorithm>

#include "ptx/lexer.h"

namespace softcuda {

Modifiers::Modifiers(std::string_view opcode, uint32_t line) : opcode_(opcode), line_(line) {
  while (!opcode.empty()) {
    size_t end = std::min(opcode.find('.'), opcode.size());
    parts_.push_back(opcode.substr(0, end));
    opcode.remove_prefix(std::min(end + 1, opcode.size()));
  }
}

bool Modifiers::peek(std::string_view modifier) const {
  return std::find(parts_.begin() + 1, parts_.end(), modifier) != parts_.end();
}

bool Modifiers::take(std::string_view modifier) {
  auto found = std::find(parts_.begin() + 1, parts_.end(), modifier);
  if (found == parts_.end()) return false;
  parts_.erase(found);
  return true;
}

std::string_view Modifiers::takeOneOf(std::initializer_list<std::string_view> choices) {
  for (std::string_view each : choices)
    if (take(each)) return each;
  return {};
}

bool Modifiers::takePrefixed(std::string_view prefix) {
  auto rest = std::remove_if(parts_.begin() + 1, parts_.end(),
                             [&](std::string_view each) { return each.substr(0, prefix.size()) == prefix; });
  bool any = rest != parts_.end();
  parts_.erase(rest, parts_.end());
  return any;
}

ptx::Type Modifiers::takeTypeIf() {
  for (auto each = parts_.begin() + 1; each != parts_.end(); ++each) {
    ptx::Type type = ptx::typeNamed(*each);
    if (type == ptx::Type::none) continue;
    parts_.erase(each);
    return type;
  }
  return ptx::Type::none;
}

ptx::Type Modifiers::takeType() {
  ptx::Type type = takeTypeIf();
  if (type == ptx::Type::none) fail("a type is missing in '" + std::string(opcode_) + "'");
  return type;
}

bool Modifiers::takeRound(Round* round) {
  static constexpr std::pair<std::string_view, Round> modes[] = {{"rn", Round::nearest},
                                                                 {"rz", Round::zero},
                                                                 {"rm", Round::down},
                                                                 {"rp", Round::up},
                                                                 {"rna", Round::away}};
  for (const auto& [name, mode] : modes) {
    if (!take(name)) continue;
    *round = mode;
    return true;
  }
  return false;
}

unsigned Modifiers::takeVector() {
  std::string_view vector = takeOneOf({"v2", "v4", "v8"});
  return vector.empty() ? 1 : static_cast<unsigned>(vector[1] - '0');
}

void Modifiers::finish() const {
  if (parts_.size() > 1)
    fail("modifier ." + std::string(parts_[1]) + " of '" + std::string(opcode_) + "' is not supported");
}

void Modifiers::fail(const std::string& what) const { ptx::failAt(line_, what); }

}  // namespace softcuda
