#include "execute/access.h"

#include <cstring>

#include "check/checks.h"
#include "execute/handlers.h"

namespace softcuda {
namespace {

using ptx::Space;

// The lowest and the highest address of the active lanes, and the bits that any of them has.
struct Extent {
  uint64_t first = ~0ull, last = 0, bits = 0;
};

// Active lanes that repeat the address of the lane before them or half a warp before them, where that is
// active.
uint32_t repeated(const Access& a) {
  uint8_t before[32] = {}, half[32] = {};
  for (size_t lane = 1; lane < 32; ++lane) before[lane] = a.address[lane] == a.address[lane - 1] ? 1 : 0;
  for (size_t lane = 16; lane < 32; ++lane) half[lane] = a.address[lane] == a.address[lane - 16] ? 1 : 0;
  uint32_t beforeBits = 0, halfBits = 0;
  for (int i = 0; i < 4; ++i) {
    uint64_t eight;
    std::memcpy(&eight, before + 8 * i, 8);
    beforeBits |= static_cast<uint32_t>(eight * 0x0102040810204080ull >> 56) << 8 * i;
    std::memcpy(&eight, half + 8 * i, 8);
    halfBits |= static_cast<uint32_t>(eight * 0x0102040810204080ull >> 56) << 8 * i;
  }
  return (beforeBits & a.mask << 1) | (halfBits & a.mask << 16);
}

Extent extentOf(Access& a) {
  Extent extent;
  if (a.mask == ~0u) {
    uint64_t broken = 0, apart = 0;
    for (uint64_t lane = 0; lane < 32; ++lane) {
      broken |= a.address[lane] ^ (a.address[0] + lane * a.bytes);
      apart |= a.address[lane] ^ a.address[0];
      extent.bits |= a.address[lane];
    }
    a.contiguous = broken == 0;
    a.uniform = apart == 0;
    if (a.contiguous || a.uniform) {
      extent.first = a.address[0], extent.last = a.address[31];
      a.distinct = a.uniform ? 1 : a.mask;
      return extent;
    }
  }
  a.distinct = a.mask & ~repeated(a);
  for (uint32_t left = a.distinct; left != 0; left &= left - 1) {
    uint64_t at = a.address[__builtin_ctz(left)];
    extent.first = at < extent.first ? at : extent.first;
    extent.last = at > extent.last ? at : extent.last;
    extent.bits |= at;
  }
  a.uniform = extent.first == extent.last;
  return extent;
}

[[noreturn]] void badAccess(Access& a, int lane, Fault fault, const std::string& what) {
  std::string text = std::string(a.use == Use::load    ? "read"
                                 : a.use == Use::store ? "write"
                                                       : "atomic operation") +
                     " of " + std::to_string(a.bytes) + " bytes in " + std::string(nameOf(a.space)) +
                     " memory " + what;
  report(a.w, Check::bounds, lane, a.address[lane], text);
  throw LaunchFault{fault, text};
}

void checkAlignment(Access& a, uint64_t bits) {
  unsigned unit = a.bytes & (~a.bytes + 1);  // of a copy's odd rest: what its size is a multiple of
  if ((bits & (unit - 1)) == 0) return;
  for (int lane = 0; lane < 32; ++lane)
    if ((a.mask >> lane & 1) != 0 && (a.address[lane] & (unit - 1)) != 0)
      badAccess(a, lane, Fault::misalignedAddress, "is not aligned to " + std::to_string(unit) + " bytes");
}

void checkWindow(Access& a, const Extent& extent, uint64_t size) {
  if (extent.last < size && size - extent.last >= a.bytes) return;
  for (int lane = 0; lane < 32; ++lane) {
    if ((a.mask >> lane & 1) == 0) continue;
    if (a.address[lane] + a.bytes <= size && a.address[lane] < size) continue;
    badAccess(a, lane, Fault::illegalAddress,
              "at " + std::to_string(static_cast<int64_t>(a.address[lane])) + " of " + std::to_string(size) +
                  " bytes");
  }
}

void resolveGlobal(Access& a, const Extent& extent) {
  Worker& worker = *a.w.worker;
  const Memory::State& memory = worker.launch.memory.state();
  uint64_t generation = memory.generation.load(std::memory_order_acquire);
  if (generation != worker.generation)
    worker.generation = generation, worker.firstAddress = worker.endAddress = 0;
  for (int lane = 0; lane < 32; ++lane) a.host[lane] = reinterpret_cast<std::byte*>(a.address[lane]);
  auto inside = [&](uint64_t at) {
    return at >= worker.firstAddress && at < worker.endAddress && worker.endAddress - at >= a.bytes;
  };
  if (inside(extent.first) && inside(extent.last)) return;
  for (uint32_t left = a.mask; left != 0; left &= left - 1) {
    int lane = __builtin_ctz(left);
    uint64_t at = a.address[lane];
    if (!inside(at) && !memory.holds(at, a.bytes, &worker.firstAddress, &worker.endAddress))
      badAccess(a, lane, Fault::illegalAddress, memory.explain(at, a.bytes));
  }
}

void rebase(Access& a, std::byte* base, uint64_t window, uint64_t stride) {
  for (int lane = 0; lane < 32; ++lane) {
    if (a.detail.space == Space::generic) a.address[lane] -= window;
    a.host[lane] = base + static_cast<uint64_t>(lane) * stride + a.address[lane];
  }
}

}  // namespace

void addressesOf(Warp& w, const MemoryDetail& detail, uint32_t, uint64_t* address) {
  uint64_t offset = static_cast<uint64_t>(detail.offset);
  if (detail.narrowAddress) {
    const uint32_t* base = lanes<uint32_t>(w, detail.base);
    for (int lane = 0; lane < 32; ++lane) address[lane] = static_cast<uint32_t>(base[lane] + offset);
  } else {
    const uint64_t* base = lanes<uint64_t>(w, detail.base);
    for (int lane = 0; lane < 32; ++lane) address[lane] = base[lane] + offset;
  }
}

void resolve(Access& a) {
  Cta& cta = *a.w.cta;
  Launch& launch = *cta.launch;
  switch (a.space) {
    case Space::shared:
      rebase(a, cta.shared.data(), window::shared, 0);
      break;
    case Space::local:
      rebase(a, a.w.local.data(), window::local, a.w.localStride);
      break;
    case Space::kernelParam:
      rebase(a, const_cast<std::byte*>(launch.parameters), window::param, 0);
      break;
    case Space::param:
      rebase(a, a.w.split->frame->params, 0, a.w.function->paramBytes);
      break;
    default:
      break;
  }
  Extent extent = extentOf(a);
  checkAlignment(a, extent.bits);
  switch (a.space) {
    case Space::shared:
      checkWindow(a, extent, launch.sharedBytes);
      break;
    case Space::local:
      checkWindow(a, extent, a.w.localStride);
      break;
    case Space::kernelParam:
      checkWindow(a, extent, launch.parameterBytes);
      break;
    case Space::param:
      checkWindow(a, extent, a.w.function->paramBytes);
      break;
    default:
      resolveGlobal(a, extent);
      break;
  }
  check(a);
}

const std::byte* genericByte(Warp& w, int lane, uint64_t address) {
  MemoryDetail detail;
  detail.width = 1;
  uint64_t lanesAt[32] = {};
  lanesAt[lane] = address;
  const std::byte* found = nullptr;
  bySpace(w, detail, 1u << lane, lanesAt, [&](Space space, uint32_t mask) {
    Access access(w, detail, space, Use::load, mask, 1);
    access.address[lane] = address;
    resolve(access);
    found = access.host[lane];
  });
  return found;
}

}  // namespace softcuda
