#include "execute/access.h"

#include <cstring>

#include "check/checks.h"
#include "execute/handlers.h"

namespace softcuda {
namespace {

using ptx::Space;

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

void checkWindow(Access& a, uint64_t size) {
  for (int lane = 0; lane < 32; ++lane) {
    if ((a.mask >> lane & 1) == 0) continue;
    if (a.address[lane] + a.bytes <= size && a.address[lane] < size) continue;
    badAccess(a, lane, Fault::illegalAddress,
              "at " + std::to_string(static_cast<int64_t>(a.address[lane])) + " of " + std::to_string(size) +
                  " bytes");
  }
}

void resolveGlobal(Access& a) {
  Worker& worker = *a.w.worker;
  const Memory::State& memory = worker.launch.memory.state();
  uint64_t generation = memory.generation.load(std::memory_order_acquire);
  if (generation != worker.generation)
    worker.generation = generation, worker.firstAddress = worker.endAddress = 0;
  for (uint32_t left = a.mask; left != 0; left &= left - 1) {
    int lane = __builtin_ctz(left);
    uint64_t at = a.address[lane];
    if (at - worker.firstAddress >= worker.endAddress - worker.firstAddress ||
        worker.endAddress - at < a.bytes) {
      if (!memory.holds(at, a.bytes, &worker.firstAddress, &worker.endAddress))
        badAccess(a, lane, Fault::illegalAddress, memory.explain(at, a.bytes));
    }
    a.host[lane] = reinterpret_cast<std::byte*>(at);
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
  uint64_t bits = 0;
  for (int lane = 0; lane < 32; ++lane) bits |= (a.mask >> lane & 1) != 0 ? a.address[lane] : 0;
  checkAlignment(a, bits);
  switch (a.space) {
    case Space::shared:
      checkWindow(a, launch.sharedBytes);
      break;
    case Space::local:
      checkWindow(a, a.w.localStride);
      break;
    case Space::kernelParam:
      checkWindow(a, launch.parameterBytes);
      break;
    case Space::param:
      checkWindow(a, a.w.function->paramBytes);
      break;
    default:
      resolveGlobal(a);
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
