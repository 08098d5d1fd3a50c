// Details of instructions that need more than four operands.
#pragma once

#include "program/program.h"

namespace softcuda {

// cvt between two scalars, or two f32 into a pair.
struct ConvertDetail : Detail {
  ptx::Type from = ptx::Type::none, to = ptx::Type::none;
  Round round = Round::nearest;
  bool integral = false;  // .rni .rzi .rmi .rpi: to an integral value
  bool ftz = false, sat = false, satfinite = false, relu = false;
  uint8_t sourceBytes = 0, targetBytes = 0;  // of the registers
};

// The bytes that one access of a lane touches, and where they go.
struct MemoryDetail : Detail {
  ptx::Space space = ptx::Space::generic;
  uint8_t width = 4;  // bytes of an element
  uint8_t count = 1;  // elements
  bool signExtend = false;
  bool narrowAddress = false;  // the address register has 32 bits
  bool isVolatile = false, readOnly = false;
  enum class Order : uint8_t { weak, relaxed, acquire, release, acqRel } order = Order::weak;
  int64_t offset = 0;
  Ref base = kNoRef;
  std::vector<Ref> registers;
  uint8_t registerBytes = 4;
  unsigned bytes() const { return static_cast<unsigned>(width) * count; }
};

struct AtomicDetail : MemoryDetail {
  enum class Op : uint8_t { add, min, max, inc, dec, andBits, orBits, xorBits, exch, cas } op = Op::add;
  ptx::Type type = ptx::Type::u32;
  bool returns = false;
};

struct CallDetail : Detail {
  const Function* callee = nullptr;  // null: `pointer` holds its address, or it is a system call
  Ref pointer = kNoRef;
  std::string system;  // vprintf, malloc, free, __assertfail
  struct Copy {
    uint32_t from = 0, to = 0, bytes = 0;
  };
  std::vector<uint32_t> arguments;  // offsets in the caller's parameter area
  std::vector<uint32_t> argumentBytes;
  std::vector<uint32_t> results, resultBytes;
};

struct PackDetail : Detail {
  std::vector<Ref> parts;  // least significant first; kNoRef: dropped
  uint8_t partBytes = 2, wholeBytes = 4;
};

struct ShuffleDetail : Detail {
  Ref valid = kNoRef;  // predicate: the source lane was in range
};

struct SwitchDetail : Detail {
  std::vector<uint32_t> targets;
};

struct BarrierDetail : Detail {
  Ref id = kNoRef, count = kNoRef;  // 32-bit
  bool arrive = false, aligned = true;
  enum class Reduce : uint8_t { none, popc, all, any } reduce = Reduce::none;
};

}  // namespace softcuda
