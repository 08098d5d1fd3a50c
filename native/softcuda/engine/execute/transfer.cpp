// ld and st.
#include <cstring>

#include "execute/access.h"
#include "execute/handlers.h"

namespace softcuda {
namespace {

using ptx::Space;

// Elements of `From` in memory, lanes of `To` in registers.
template <class Reg, class Element>
void loadLanes(Access& a) {
  for (size_t i = 0; i < a.detail.registers.size(); ++i) {
    if (a.detail.registers[i] == kNoRef) continue;
    Reg* d = lanes<Reg>(a.w, a.detail.registers[i]);
    if (a.contiguous && a.space != Space::local && a.space != Space::param) {
      const std::byte* from = a.host[0] + i * sizeof(Element);
      const size_t stride = a.bytes;
      for (size_t lane = 0; lane < 32; ++lane) {
        Element element;
        std::memcpy(&element, from + lane * stride, sizeof(Element));
        d[lane] = static_cast<Reg>(element);
      }
      continue;
    }
    for (uint32_t left = a.mask; left != 0; left &= left - 1) {
      int lane = __builtin_ctz(left);
      Element element;
      std::memcpy(&element, a.host[lane] + i * sizeof(Element), sizeof(Element));
      d[lane] = static_cast<Reg>(element);
    }
  }
}

template <class Reg, class Element>
void storeLanes(Access& a) {
  for (int k = 0; k < 32; ++k) {
    int lane = a.w.order[static_cast<size_t>(k)];
    if ((a.mask >> lane & 1) == 0) continue;
    for (size_t i = 0; i < a.detail.registers.size(); ++i) {
      Element element = static_cast<Element>(lanes<Reg>(a.w, a.detail.registers[i])[lane]);
      std::memcpy(a.host[lane] + i * sizeof(Element), &element, sizeof(Element));
    }
  }
}

// What each lane is about to store.
template <class Reg, class Element>
void valuesOf(Warp& w, const MemoryDetail& detail, std::byte* values) {
  for (size_t i = 0; i < detail.registers.size() && (i + 1) * sizeof(Element) <= 16; ++i) {
    const Reg* from = lanes<Reg>(w, detail.registers[i]);
    for (size_t lane = 0; lane < 32; ++lane) {
      Element element = static_cast<Element>(from[lane]);
      std::memcpy(values + 16 * lane + i * sizeof(Element), &element, sizeof(Element));
    }
  }
}

template <class Reg, class Element, bool IsLoad>
void transfer(Warp& w, const Instr& in, uint32_t mask) {
  const auto& detail = static_cast<const MemoryDetail&>(*in.detail);
  uint64_t address[32];
  addressesOf(w, detail, mask, address);
  bySpace(w, detail, mask, address, [&](Space space, uint32_t lanesThere) {
    Access access(w, detail, space, IsLoad ? Use::load : Use::store, lanesThere, detail.bytes());
    std::memcpy(access.address, address, sizeof address);
    std::byte values[32 * 16];
    if constexpr (!IsLoad) {
      valuesOf<Reg, Element>(w, detail, values);
      access.values = values;
    }
    resolve(access);
    if constexpr (IsLoad) {
      loadLanes<Reg, Element>(access);
      if (detail.order != MemoryDetail::Order::weak || detail.isVolatile) ++w.polls, ++w.cta->polls;
      if (detail.order != MemoryDetail::Order::weak || detail.isVolatile)
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } else {
      if (detail.order != MemoryDetail::Order::weak || detail.isVolatile)
        __atomic_thread_fence(__ATOMIC_RELEASE);
      storeLanes<Reg, Element>(access);
      ++w.cta->progress;
      ++w.effects;
    }
  });
}

struct Wide {
  uint64_t half[2];
};

template <class Reg, bool IsLoad>
Handler byElement(unsigned width, bool isSigned) {
  if (isSigned) {
    using S = std::make_signed_t<Reg>;
    switch (width) {
      case 1:
        return transfer<S, int8_t, IsLoad>;
      case 2:
        return transfer<S, int16_t, IsLoad>;
      case 4:
        return transfer<S, int32_t, IsLoad>;
      default:
        return transfer<S, int64_t, IsLoad>;
    }
  }
  switch (width) {
    case 1:
      return transfer<Reg, uint8_t, IsLoad>;
    case 2:
      return transfer<Reg, uint16_t, IsLoad>;
    case 4:
      return transfer<Reg, uint32_t, IsLoad>;
    default:
      return transfer<Reg, uint64_t, IsLoad>;
  }
}

template <bool IsLoad>
Handler byRegister(const MemoryDetail& detail) {
  switch (detail.registerBytes) {
    case 2:
      return byElement<uint16_t, IsLoad>(detail.width, detail.signExtend);
    case 4:
      return byElement<uint32_t, IsLoad>(detail.width, detail.signExtend);
    case 8:
      return byElement<uint64_t, IsLoad>(detail.width, detail.signExtend);
    default:
      return detail.width == 16 ? transfer<Wide, Wide, IsLoad> : nullptr;  // .b128
  }
}

}  // namespace

Handler loadHandler(const MemoryDetail& detail) { return byRegister<true>(detail); }
Handler storeHandler(const MemoryDetail& detail) { return byRegister<false>(detail); }

}  // namespace softcuda
