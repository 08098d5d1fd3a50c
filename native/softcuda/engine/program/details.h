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
  uint8_t unread = 0;      // elements whose register nothing reads, by bit
  uint32_t usedBytes = 0;  // of a load, by bit: what the program uses; 0: all
  uint8_t registerBytes = 4;
  unsigned bytes() const { return static_cast<unsigned>(width) * count; }
};

struct AtomicDetail : MemoryDetail {
  enum class Op : uint8_t { add, min, max, inc, dec, andBits, orBits, xorBits, exch, cas } op = Op::add;
  ptx::Type type = ptx::Type::u32;
  bool returns = false;
  std::vector<Ref> results;  // of a vector, whose operands are `registers`
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

// A matrix spread over a warp in tiles of 8 rows: lane l holds row l/4 and, of the `perLane` neighbouring
// columns, those from (l%4)·perLane on. Tiles follow one another down the rows first; registers repeat them
// where there are more than tiles. The second factor of a product is held transposed.
struct Fragment {
  ptx::Type type = ptx::Type::none;
  unsigned rows = 0, columns = 0, perLane = 1;
  std::vector<Ref> registers;
  unsigned tiles() const { return rows / 8 * (columns / (4 * perLane)); }
};

struct MmaDetail : Detail {
  unsigned m = 0, n = 0, k = 0;
  Fragment a, b, c, d;
  bool saturate = false;
  bool andPopc = false;  // .b1: and instead of xor
};

// ldmatrix, stmatrix, movmatrix: `count` matrices of 8 × 8 16-bit elements.
struct MatrixDetail : MemoryDetail {
  unsigned matrices = 1;
  bool transposed = false;
};

// wmma.load and wmma.store.
struct FragmentDetail : MemoryDetail {
  Fragment fragment;
  bool contiguous = true;   // a register's elements are neighbours in memory
  bool transposed = false;  // memory holds columns of the fragment's rows
  Ref stride = kNoRef;      // 32-bit, elements; none: dense
};

// cp.async and cp.async.bulk: from `source` to the access of the base class.
struct CopyDetail : MemoryDetail {
  MemoryDetail source;
  Ref sourceBytes = kNoRef;  // 32-bit: fewer than are written; the rest is zero
  Ref ignore = kNoRef;       // predicate: nothing is read
  Ref size = kNoRef;         // bulk: 32-bit
  MemoryDetail barrier;      // bulk: told when the bytes are there
  bool tellsBarrier = false;
};

struct MbarrierDetail : MemoryDetail {
  enum class Op : uint8_t { init, inval, arrive, arriveDrop, expect, complete, test, pending } op = Op::init;
  bool parity = false;   // test by the phase's parity
  bool expects = false;  // arrive.expect_tx
  bool waits = false;    // try_wait: others have a turn before the answer is no
  Ref count = kNoRef;    // 32-bit
  Ref state = kNoRef;    // 64-bit, or 32 with `parity`
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
