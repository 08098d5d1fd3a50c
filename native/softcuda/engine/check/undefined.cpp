// Undefined values: what is kept of them, loads, stores and reports.
#include "check/undefined.h"

#include <algorithm>
#include <cstring>
#include <typeinfo>

#include "execute/access.h"
#include "program/details.h"

namespace softcuda {
namespace {

using ptx::Space;

// A register, and the lane of it, that a byte of a lane's access belongs to.
struct Place {
  Ref ref = kNoRef;
  int lane = 0;
};

Place placeOfByte(const Access& a, int lane, unsigned byte) {
  const MemoryDetail& d = a.detail;
  if (a.into != kNoRef) return {a.into, lane};
  if (typeid(d) == typeid(MatrixDetail)) {
    const auto& matrix = static_cast<const MatrixDetail&>(d);
    int row = lane % 8, column = static_cast<int>(byte / 2);
    int r = matrix.transposed ? column : row, c = matrix.transposed ? row : column;
    return {d.registers[static_cast<size_t>(lane) / 8], 4 * r + c / 2};
  }
  if (d.registers.size() != d.count || a.bytes != d.bytes()) return {};
  return {d.registers[byte / d.width], lane};
}

uint8_t* stateOf(const Access& a, int lane) {
  if (a.space == Space::shared) return a.w.cta->sharedState.data() + a.address[lane];
  return a.w.localState.data() + static_cast<uint64_t>(lane) * a.w.localStride + a.address[lane];
}

std::string describe(const Warp& w, const Origin& from) {
  return std::string("read in ") + (from.local ? "local" : "shared") + " memory " +
         (from.stored ? "into which an undefined value was stored" : "that nothing has written") +
         ", at offset " + std::to_string(from.address) + "\n  read by " +
         placeOf(*w.cta->launch->kernel.program, *from.function, from.pc);
}

void useSlot(Warp& w, uint32_t slot, uint32_t mask, const std::string& how) {
  Origin from;
  const Frame* frame = w.split->frame;
  uint32_t lanes = w.undefined.of(frame, slot, &from) & mask;
  if (lanes == 0) return;
  report(w, Check::uninitialized, __builtin_ctz(lanes), from.address,
         "an undefined value " + how + "; it was " + describe(w, from));
  w.undefined.assign(frame, slot, lanes, 0, from);
}

}  // namespace

uint32_t Undefined::of(const Frame* frame, uint32_t slot, Origin* origin) const {
  for (const Mark& each : marks_) {
    if (each.slot != slot || each.frame != frame) continue;
    if (origin != nullptr) *origin = each.origin;
    return each.lanes;
  }
  return 0;
}

void Undefined::assign(const Frame* frame, uint32_t slot, uint32_t mask, uint32_t lanes,
                       const Origin& origin) {
  lanes &= mask;
  for (Mark& each : marks_) {
    if (each.slot != slot || each.frame != frame) continue;
    each.lanes &= ~mask;
    if (each.lanes == 0) each.origin = origin;
    each.lanes |= lanes;
    if (each.lanes == 0) {
      each = marks_.back();
      marks_.pop_back();
    }
    return;
  }
  if (lanes != 0) marks_.push_back({frame, slot, lanes, origin});
}

void Undefined::drop(const Frame* frame) {
  marks_.erase(std::remove_if(marks_.begin(), marks_.end(), [&](const Mark& m) { return m.frame == frame; }),
               marks_.end());
}

void Undefined::dropLanes(uint32_t exited) {
  for (Mark& each : marks_) each.lanes &= ~exited;
  marks_.erase(std::remove_if(marks_.begin(), marks_.end(), [](const Mark& m) { return m.lanes == 0; }),
               marks_.end());
}

bool Undefined::within(const Frame* frame, uint32_t lanes) const {
  return std::any_of(marks_.begin(), marks_.end(),
                     [&](const Mark& m) { return m.frame == frame && (m.lanes & lanes) != 0; });
}

uint32_t undefinedLanes(const Warp& w, Ref ref, Origin* origin) {
  if (ref == kNoRef || (ref & kConstant) != 0) return 0;
  return w.undefined.of(w.split->frame, ref & ~kNegated, origin);
}

void setUndefined(Warp& w, Ref ref, uint32_t mask, uint32_t lanes, const Origin& origin) {
  if (ref != kNoRef) w.undefined.assign(w.split->frame, ref & ~kNegated, mask, lanes, origin);
}

void useUndefined(Warp& w, Ref ref, uint32_t mask, const std::string& how) {
  if (ref != kNoRef && (ref & kConstant) == 0) useSlot(w, ref & ~kNegated, mask, how);
}

void useUndefinedParameter(Warp& w, uint32_t offset, uint32_t mask, const std::string& how) {
  useSlot(w, Undefined::kParameter | offset, mask, how);
}

bool loadUndefined(const Access& a, int lane, unsigned byte, uint8_t state) {
  Place place = placeOfByte(a, lane, byte);
  if (place.ref == kNoRef) return false;
  Origin origin{a.w.function, a.w.pc, a.address[lane], a.space == Space::local,
                state == SharedState::undefined};
  setUndefined(a.w, place.ref, 1u << place.lane, ~0u, origin);
  return true;
}

void storeUndefined(const Access& a) {
  for (uint32_t left = a.mask; left != 0; left &= left - 1) {
    int lane = __builtin_ctz(left);
    for (unsigned byte = 0; byte < a.bytes; ++byte) {
      Place place = placeOfByte(a, lane, byte);
      if (place.ref == kNoRef || (undefinedLanes(a.w, place.ref) >> place.lane & 1) == 0) continue;
      if (a.space == Space::global)
        useUndefined(a.w, place.ref, 1u << place.lane, "is stored to global memory");
      else
        stateOf(a, lane)[byte] = SharedState::undefined;
    }
  }
}

void moveParameters(const Access& a) {
  const Frame* frame = a.w.split->frame;
  for (uint32_t left = a.mask; left != 0; left &= left - 1) {
    int lane = __builtin_ctz(left);
    for (unsigned byte = 0; byte < a.bytes; ++byte) {
      Place place = placeOfByte(a, lane, byte);
      if (place.ref == kNoRef) continue;
      uint32_t slot = Undefined::kParameter | static_cast<uint32_t>(a.address[lane] + byte), bit = 1u << lane;
      Origin origin;
      if (a.use == Use::store) {
        uint32_t lanes = undefinedLanes(a.w, place.ref, &origin);
        a.w.undefined.assign(frame, slot, bit, lanes, origin);
      } else if ((a.w.undefined.of(frame, slot, &origin) & bit) != 0) {
        setUndefined(a.w, place.ref, bit, bit, origin);
      }
    }
  }
}

void passUndefined(Warp& w, const Frame* from, uint32_t fromOffset, const Frame* to, uint32_t toOffset,
                   uint32_t bytes, uint32_t mask) {
  for (uint32_t i = 0; i < bytes; ++i) {
    Origin origin;
    uint32_t lanes = w.undefined.of(from, Undefined::kParameter | (fromOffset + i), &origin);
    w.undefined.assign(to, Undefined::kParameter | (toOffset + i), mask, lanes, origin);
  }
}

}  // namespace softcuda
