// cp.async: the source is read at once, the destination is poison until the copy is waited for.
#include <algorithm>
#include <cstring>

#include "check/checks.h"
#include "execute/access.h"
#include "execute/handlers.h"
#include "execute/mbarrier.h"

namespace softcuda {
namespace {

using ptx::Space;

void resolveInto(Access& access, const uint64_t* address) {
  std::memcpy(access.address, address, sizeof access.address);
  resolve(access);
}

// Reads `bytes[lane]` of each lane's source; the rest of `room` becomes zero.
void readSource(Warp& w, const MemoryDetail& source, uint32_t mask, const uint32_t* bytes,
                std::vector<PendingCopy>& copies) {
  uint64_t address[32];
  addressesOf(w, source, mask, address);
  for (uint32_t left = mask; left != 0;) {
    // Lanes that read as much make one access.
    uint32_t size = bytes[__builtin_ctz(left)], same = 0;
    for (int lane = 0; lane < 32; ++lane)
      if ((left >> lane & 1) != 0 && bytes[lane] == size) same |= 1u << lane;
    left &= ~same;
    if (size == 0) continue;
    bySpace(w, source, same, address, [&](Space space, uint32_t there) {
      Access access(w, source, space, Use::load, there, size);
      resolveInto(access, address);
      for (PendingCopy& copy : copies)
        if ((there >> copy.lane & 1) != 0) std::memcpy(copy.data, access.host[copy.lane], size);
    });
  }
}

void deliver(Warp& w, const PendingCopy& copy) {
  Cta& cta = *w.cta;
  std::memcpy(cta.shared.data() + copy.offset, copy.data, copy.bytes);
  std::memset(cta.sharedState.data() + copy.offset, SharedState::written, copy.bytes);
  copyDelivered(w, copy);
  ++cta.progress;
}

// Delivers the lanes' copies of groups below `limit(lane)`, in a seeded order.
template <class F>
void deliverGroups(Warp& w, uint32_t mask, F limit) {
  auto due = std::stable_partition(w.copies.begin(), w.copies.end(), [&](const PendingCopy& copy) {
    return (mask >> copy.lane & 1) == 0 || copy.group >= limit(copy.lane);
  });
  std::shuffle(due, w.copies.end(), w.worker->random);
  std::for_each(due, w.copies.end(), [&](const PendingCopy& copy) { deliver(w, copy); });
  w.copies.erase(due, w.copies.end());
}

}  // namespace

void copyAsync(Warp& w, const Instr& in, uint32_t mask) {
  const auto& detail = static_cast<const CopyDetail&>(*in.detail);
  uint32_t bytes[32], skip = detail.ignore == kNoRef ? 0 : predicate(w, detail.ignore);
  for (int lane = 0; lane < 32; ++lane) {
    uint32_t size =
        detail.sourceBytes == kNoRef ? detail.bytes() : lanes<uint32_t>(w, detail.sourceBytes)[lane];
    bytes[lane] = (skip >> lane & 1) != 0 ? 0 : std::min(size, detail.bytes());
  }
  std::vector<PendingCopy> copies;
  uint64_t address[32];
  addressesOf(w, detail, mask, address);
  bySpace(w, detail, mask, address, [&](Space space, uint32_t there) {
    if (space != Space::shared)
      throw LaunchFault{Fault::illegalAddress, "cp.async to memory that is not shared"};
    Access access(w, detail, space, Use::store, there, detail.bytes());
    resolveInto(access, address);
    for (uint32_t left = there; left != 0; left &= left - 1) {
      int lane = __builtin_ctz(left);
      PendingCopy copy;
      copy.lane = lane;
      copy.group = w.copyGroup[static_cast<size_t>(lane)];
      copy.offset = static_cast<uint32_t>(access.address[lane]);
      copy.bytes = detail.bytes();
      std::memset(access.host[lane], 0xCD, copy.bytes);
      std::memset(w.cta->sharedState.data() + copy.offset, SharedState::copying, copy.bytes);
      copies.push_back(copy);
    }
  });
  readSource(w, detail.source, mask, bytes, copies);
  w.copies.insert(w.copies.end(), copies.begin(), copies.end());
}

void commitCopies(Warp& w, const Instr&, uint32_t mask) {
  for (size_t lane = 0; lane < 32; ++lane) w.copyGroup[lane] += mask >> lane & 1;
}

void waitCopies(Warp& w, const Instr& in, uint32_t mask) {
  deliverGroups(w, mask, [&](int lane) {
    uint32_t open = w.copyGroup[static_cast<size_t>(lane)];
    return open > in.flags ? open - in.flags : 0;
  });
}

void waitAllCopies(Warp& w, const Instr&, uint32_t mask) {
  deliverGroups(w, mask, [](int) { return ~0u; });
}

void arriveAfterCopies(Warp& w, const Instr& in, uint32_t mask) {
  // The barrier learns of the copies when they are there: they are delivered here, and whoever waits sees
  // them.
  waitAllCopies(w, in, mask);
  const auto& detail = static_cast<const MbarrierDetail&>(*in.detail);
  if (in.flags == 0) return;  // without .noinc the arrival is one more that is expected, and comes
  uint64_t address[32];
  addressesOf(w, detail, mask, address);
  for (uint32_t left = mask; left != 0; left &= left - 1)
    arriveAt(w, detail, __builtin_ctz(left), address[__builtin_ctz(left)], 1, false);
}

void copyBulk(Warp& w, const Instr& in, uint32_t mask) {
  const auto& detail = static_cast<const CopyDetail&>(*in.detail);
  uint64_t to[32], from[32], barrier[32];
  addressesOf(w, detail, mask, to);
  addressesOf(w, detail.source, mask, from);
  if (detail.tellsBarrier) addressesOf(w, detail.barrier, mask, barrier);
  for (uint32_t left = mask; left != 0; left &= left - 1) {
    int lane = __builtin_ctz(left);
    uint32_t bytes = lanes<uint32_t>(w, detail.size)[lane];
    if (bytes % 16 != 0 || to[lane] % 16 != 0 || from[lane] % 16 != 0)
      throw LaunchFault{Fault::misalignedAddress,
                        "cp.async.bulk moves multiples of 16 bytes between addresses aligned to 16"};
    for (uint32_t at = 0; at < bytes; at += 16) {
      uint64_t source[32] = {}, target[32] = {};
      source[lane] = from[lane] + at, target[lane] = to[lane] + at;
      std::byte data[16];
      bySpace(w, detail.source, 1u << lane, source, [&](Space space, uint32_t there) {
        Access access(w, detail.source, space, Use::load, there, 16);
        resolveInto(access, source);
        std::memcpy(data, access.host[lane], 16);
      });
      bySpace(w, detail, 1u << lane, target, [&](Space space, uint32_t there) {
        Access access(w, detail, space, Use::store, there, 16);
        resolveInto(access, target);
        std::memcpy(access.host[lane], data, 16);
      });
    }
    ++w.cta->progress;
    if (detail.tellsBarrier) completeAt(w, detail.barrier, lane, barrier[lane], bytes);
  }
}

}  // namespace softcuda
