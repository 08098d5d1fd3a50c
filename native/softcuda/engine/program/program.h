// A decoded module: flat arrays of instructions with their handlers, ready to execute.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine.h"
#include "ptx/types.h"

namespace softcuda {

struct Warp;
struct Instr;

// Executes one instruction for the lanes of `mask` (never 0 but for instructions marked `always`).
using Handler = void (*)(Warp&, const Instr&, uint32_t mask);

// An operand: the byte offset of 32 lanes in the frame or, with kConstant, among the function's constants.
// kNegated: a predicate read inverted.
using Ref = uint32_t;
constexpr Ref kConstant = 1u << 31, kNegated = 1u << 30, kNoRef = ~0u;

constexpr uint32_t kReturn = ~0u;  // the program counter behind a function's end

// What an instruction counts as; the names are the keys of Counters::byClass.
enum class Class : uint8_t {
  integer,
  fp32,
  fp64,
  half,
  conversion,
  move,
  predicate,
  special,
  load,
  store,
  shared,
  local,
  parameter,
  atomic,
  shuffle,
  barrier,
  control,
  mma,
  copy,
  other,
  count
};
std::string_view nameOf(Class);

// What an instruction needs beyond its four operands.
struct Detail {
  virtual ~Detail() = default;
};

struct Instr {
  Handler run = nullptr;
  const Detail* detail = nullptr;
  Ref guard = kNoRef;
  Ref d = kNoRef, a = kNoRef, b = kNoRef, c = kNoRef, e = kNoRef;
  uint32_t target = 0;  // of a branch
  uint32_t rejoin = 0;  // where a divergent branch's lanes meet again
  uint32_t flags = 0;   // modifiers, an immediate
  bool always = false;  // runs with no lane active too
  Class kind = Class::other;
};

// Modifiers in Instr::flags of arithmetic.
namespace flag {
constexpr uint32_t roundMask = 7;  // Round
constexpr uint32_t ftz = 8, sat = 16, approx = 32, nan = 64, xorsignAbs = 128, satfinite = 256, relu = 512;
}  // namespace flag

enum class Round : uint8_t { nearest, zero, down, up, away };

enum class Special : uint8_t {
  tidX,
  tidY,
  tidZ,
  ntidX,
  ntidY,
  ntidZ,
  ctaidX,
  ctaidY,
  ctaidZ,
  nctaidX,
  nctaidY,
  nctaidZ,
  laneid,
  warpid,
  nwarpid,
  smid,
  nsmid,
  gridid,
  lanemaskEq,
  lanemaskLe,
  lanemaskLt,
  lanemaskGe,
  lanemaskGt,
  dynamicSmemSize,
  totalSmemSize,
  zero,
  one,
  gridWorkspaceHigh,
  gridWorkspaceLow,
  dynamicShared,
  localVariable
};

// A value that each frame of a function receives when it is made: a special register, an address that only
// the launch or the depth of the stack knows.
struct FrameValue {
  Special special = Special::zero;
  Ref slot = 0;
  bool wide = false;  // 64 bits
  uint64_t offset = 0;
};

struct SourceLine {
  uint32_t ptxLine = 0, location = 0;
};

struct Function {
  std::string name;
  bool entry = false;
  std::vector<Instr> code;
  std::vector<SourceLine> lines;     // by instruction
  std::vector<std::string> opcodes;  // by instruction
  std::vector<std::unique_ptr<Detail>> details;
  std::vector<uint64_t> constants;  // bytes of the constant bank
  std::vector<FrameValue> frameValues;
  uint32_t frameBytes = 0;
  uint32_t paramBytes = 0;  // of one lane: formal parameters, results and call arguments
  uint32_t localBytes = 0;  // of one lane
  std::vector<std::pair<uint32_t, uint32_t>> formals, results;  // offset, size in the parameter area
  std::vector<const Function*> callees;
  uint32_t countBase = 0;  // of this function's instructions among the module's
};

struct ModuleProgram {
  std::vector<std::unique_ptr<Function>> functions;
  std::unordered_map<std::string, Function*> byName;
  std::unordered_map<uint64_t, Function*> byAddress;  // indirect calls
  std::unordered_map<uint32_t, std::string> files;
  struct Location {
    uint32_t file, line, callerFile, callerLine;
  };
  std::vector<Location> locations;
  uint32_t instructions = 0;
};

class Kernel {
 public:
  KernelInfo info;
  const Function* function = nullptr;
  const ModuleProgram* program = nullptr;
  bool usesFences = false;  // this module's code has fences, or accesses that act as one
};

// Address windows of generic addressing: no host address lies there.
namespace window {
constexpr uint64_t shared = 0x0100'0000'0000, local = 0x0200'0000'0000, param = 0x0300'0000'0000,
                   code = 0x0400'0000'0000, size = 0x0100'0000'0000;
inline ptx::Space spaceOf(uint64_t address) {
  switch (address / size) {
    case 1:
      return ptx::Space::shared;
    case 2:
      return ptx::Space::local;
    case 3:
      return ptx::Space::kernelParam;
    default:
      return ptx::Space::global;
  }
}
}  // namespace window

}  // namespace softcuda
