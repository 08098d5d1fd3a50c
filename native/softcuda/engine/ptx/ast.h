// A parsed PTX module: names are resolved to registers, variables and instruction indices, types and
// modifiers are not interpreted yet.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ptx/types.h"

namespace softcuda::ptx {

struct Operand {
  enum class Kind : uint8_t {
    none,
    reg,       // id: index into Function::registers
    special,   // name: "%tid.x"
    integer,   // bits
    real,      // bits, single
    variable,  // id: index into Function::variables; offset
    symbol,    // name: of the module; offset
    label,     // id: instruction index
    memory,    // items[0]: base; offset
    vector,    // items
    list,      // items, in parentheses
    pair,      // items: a|b
    sink       // _
  };
  Kind kind = Kind::none;
  bool negated = false;  // !p or -r
  bool single = false;
  uint32_t id = 0;
  uint64_t bits = 0;
  int64_t offset = 0;
  std::string_view name;
  std::vector<Operand> items;
};

struct Instruction {
  uint32_t line = 0;
  uint32_t location = 0;  // index into Module::locations
  bool guarded = false, guardNegated = false;
  uint32_t guard = 0;      // register
  uint32_t usedBytes = 0;  // of a load: .pragma "used_bytes_mask" before it; 0: all
  std::string_view opcode;
  std::vector<Operand> operands;
};

// One piece of an initialiser: a number, or the address of a symbol.
struct Initial {
  uint64_t bits = 0;
  bool real = false, single = false;
  std::string_view symbol;
  bool generic = false;   // generic(symbol)
  uint64_t byteMask = 0;  // 0xFF00(symbol): the byte taken
};

struct Variable {
  std::string_view name;
  Space space = Space::global;
  Type type = Type::none;
  uint32_t align = 1;
  uint64_t bytes = 0;     // whole; 0 for an unsized extern array
  bool external = false;  // declared only
  bool unsized = false;   // []
  uint32_t line = 0;
  std::vector<Initial> initial;  // by element
};

struct Prototype {
  std::vector<Variable> returns, parameters;
};

struct Function {
  std::string_view name;
  uint32_t line = 0;
  bool entry = false, defined = false, noreturn = false;
  uint32_t maxThreads = 0;
  std::vector<Variable> returns, parameters;
  std::vector<Type> registers;
  std::vector<Variable> variables;  // params and returns first, then what the body declares
  std::vector<Instruction> body;
  std::unordered_map<std::string_view, std::vector<uint32_t>> branchTargets;  // .branchtargets by label
  std::unordered_map<std::string_view, Prototype> prototypes;                 // .callprototype by label
};

struct Location {
  uint32_t file = 0, line = 0;
  uint32_t callerFile = 0, callerLine = 0;  // where the code was inlined; 0: it was not
};

struct Module {
  std::string version, target;
  std::vector<Variable> variables;
  std::vector<std::unique_ptr<Function>> functions;
  std::unordered_map<uint32_t, std::string> files;
  std::vector<Location> locations;
};

// Parses a module; `text` must outlive it. Throws PtxError.
Module parse(std::string_view text);

}  // namespace softcuda::ptx
