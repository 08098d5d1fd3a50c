// Undefined values: those read from shared or local memory that nothing has written. Reading one is no error,
// using it is: as an address, to decide who goes where, in a barrier or an atomic operation, stored to global
// memory. Until then it is followed through registers, parameters and memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "program/program.h"

namespace softcuda {

struct Access;
struct Frame;
struct Warp;

// Where an undefined value was read.
struct Origin {
  const Function* function = nullptr;
  uint32_t pc = 0;
  uint64_t address = 0;  // within the space
  bool local = false;    // of local memory, else shared
  bool stored = false;   // the memory held an undefined value that was stored there
};

// A warp's undefined values, by register: few, and most of the time none.
class Undefined {
 public:
  // Slots that are no register: a byte of the frame's parameter area; the carry flag, of no frame.
  static constexpr uint32_t kParameter = 1u << 31, kCarry = 1u << 30;
  struct Mark {
    const Frame* frame;
    uint32_t slot, lanes;
    Origin origin;
  };

  bool empty() const { return marks_.empty(); }
  // The lanes whose value is undefined; *origin, where it is given, receives where from.
  uint32_t of(const Frame* frame, uint32_t slot, Origin* origin = nullptr) const;
  // Of the lanes of `mask`, those of `lanes` become undefined and the others defined.
  void assign(const Frame* frame, uint32_t slot, uint32_t mask, uint32_t lanes, const Origin& origin);
  void drop(const Frame* frame);    // a call has ended
  void dropLanes(uint32_t exited);  // for good
  bool within(const Frame* frame, uint32_t lanes) const;

 private:
  std::vector<Mark> marks_;
};

// Executes an instruction of a warp that has undefined values. `guarded`: the lanes whose guard says yes.
void runUndefined(Warp& w, const Instr& in, uint32_t mask, uint32_t guarded);

// Hooks of handlers; those with values to move are called only where the warp has undefined ones.
// A lane loads byte `byte` of its access, which is undefined. False: the access has no register to mark.
bool loadUndefined(const Access& access, int lane, unsigned byte, uint8_t state);
// After the bytes count as written: those whose value is undefined no longer do, or it is reported.
void storeUndefined(const Access& access);
void moveParameters(const Access& access);
// `bytes` of the lanes' parameters go from one frame's area to another's.
void passUndefined(Warp& w, const Frame* from, uint32_t fromOffset, const Frame* to, uint32_t toOffset,
                   uint32_t bytes, uint32_t mask);
// vote, match, redux, elect and bar.warp.sync, when their lanes have met.
void exchangeUndefined(Warp& w, const Instr& in, uint32_t mask);
void shuffleUndefined(Warp& w, const Instr& in, uint32_t mask, const int* from);

// Reports the lanes of `mask` whose `ref` is undefined, which then count as defined: once is enough.
void useUndefined(Warp& w, Ref ref, uint32_t mask, const std::string& how);
void useUndefinedParameter(Warp& w, uint32_t offset, uint32_t mask, const std::string& how);
// Of a register or predicate; constants are defined.
uint32_t undefinedLanes(const Warp& w, Ref ref, Origin* origin = nullptr);
void setUndefined(Warp& w, Ref ref, uint32_t mask, uint32_t lanes, const Origin& origin);

}  // namespace softcuda
