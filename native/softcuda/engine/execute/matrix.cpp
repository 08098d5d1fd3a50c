// ldmatrix, stmatrix, movmatrix, wmma.load and wmma.store.
#include <cstring>

#include "execute/access.h"
#include "execute/handlers.h"

namespace softcuda {
namespace {

using ptx::Space;

uint16_t& half(Warp& w, Ref ref, unsigned lane, unsigned index) {
  return reinterpret_cast<uint16_t*>(lanes<uint32_t>(w, ref))[2 * lane + index];
}

// The rows' addresses come from the first 8 × matrices lanes; `each` moves element (row, column) of a matrix.
template <class F>
void eachElement(Warp& w, const MatrixDetail& detail, uint32_t mask, Use use, F each) {
  requireWholeWarp(w, mask);
  uint64_t address[32];
  addressesOf(w, detail, mask, address);
  uint32_t rows = detail.matrices == 4 ? ~0u : (1u << 8 * detail.matrices) - 1;
  bySpace(w, detail, rows, address, [&](Space space, uint32_t there) {
    Access access(w, detail, space, use, there, 16);
    std::memcpy(access.address, address, sizeof address);
    resolve(access);
    for (uint32_t left = there; left != 0; left &= left - 1) {
      unsigned lane = static_cast<unsigned>(__builtin_ctz(left));
      for (unsigned column = 0; column < 8; ++column) {
        unsigned row = lane % 8;
        // Lane 4·row + column/2 holds the element; of the transposed matrix, with row and column exchanged.
        unsigned r = detail.transposed ? column : row, c = detail.transposed ? row : column;
        each(access.host[lane] + 2 * column, half(w, detail.registers[lane / 8], 4 * r + c / 2, c % 2));
      }
    }
  });
}

// The accesses of a fragment's registers, or of their elements where these are no neighbours in memory.
template <class F>
void eachPiece(Warp& w, const FragmentDetail& detail, uint32_t mask, Use use, F each) {
  requireWholeWarp(w, mask);
  const Fragment& f = detail.fragment;
  uint64_t base[32];
  addressesOf(w, detail, mask, base);
  unsigned bits = ptx::bitsOf(f.type), down = f.rows / 8;
  bool split = f.perLane == 2 && f.registers.size() >= 2 * f.tiles() && bits != 16;  // f32 accumulators
  unsigned perRegister = split ? 1 : f.perLane, pieces = detail.contiguous ? 1 : perRegister;
  for (unsigned r = 0; r < f.registers.size(); ++r) {
    unsigned tile = (split ? r / 2 : r) % f.tiles();
    for (unsigned piece = 0; piece < pieces; ++piece) {
      uint64_t address[32];
      for (unsigned lane = 0; lane < 32; ++lane) {
        uint64_t row = tile % down * 8 + lane / 4,
                 column = tile / down * 4 * f.perLane + lane % 4 * f.perLane + (split ? r % 2 : piece);
        uint64_t dense = detail.transposed ? f.rows : f.columns;
        uint64_t stride = detail.stride == kNoRef ? dense : lanes<uint32_t>(w, detail.stride)[lane];
        address[lane] =
            base[lane] + (detail.transposed ? column * stride + row : row * stride + column) * bits / 8;
      }
      unsigned bytes = bits * perRegister / 8 / pieces;
      bySpace(w, detail, mask, address, [&](Space space, uint32_t there) {
        Access access(w, detail, space, use, there, bytes);
        std::memcpy(access.address, address, sizeof address);
        access.into = f.registers[r];
        resolve(access);
        unsigned registerBytes = bits == 64 ? 8 : 4;
        for (uint32_t left = there; left != 0; left &= left - 1) {
          int lane = __builtin_ctz(left);
          each(access.host[lane], lanes<std::byte>(w, f.registers[r]) + lane * registerBytes + piece * bytes,
               bytes);
        }
      });
    }
  }
}

}  // namespace

void requireWholeWarp(Warp& w, uint32_t mask) {
  if (mask != ~0u)
    report(w, Check::barrier, mask == 0 ? 0 : __builtin_ctz(~mask), 0,
           "the thread does not take part in an instruction that needs its whole warp");
}

void beginProduct(Warp& w, const MmaDetail& product, uint32_t mask) {
  requireWholeWarp(w, mask);
  w.worker->counters.mmaFlops += 2ull * product.m * product.n * product.k;
}

void loadMatrix(Warp& w, const Instr& in, uint32_t mask) {
  eachElement(w, static_cast<const MatrixDetail&>(*in.detail), mask, Use::load,
              [](const std::byte* memory, uint16_t& element) { std::memcpy(&element, memory, 2); });
}

void storeMatrix(Warp& w, const Instr& in, uint32_t mask) {
  ++w.cta->progress;
  eachElement(w, static_cast<const MatrixDetail&>(*in.detail), mask, Use::store,
              [](std::byte* memory, const uint16_t& element) { std::memcpy(memory, &element, 2); });
}

void moveMatrix(Warp& w, const Instr& in, uint32_t mask) {
  requireWholeWarp(w, mask);
  uint32_t a[32], d[32];
  std::memcpy(a, lanes<uint32_t>(w, in.a), sizeof a);
  for (unsigned row = 0; row < 8; ++row)
    for (unsigned column = 0; column < 8; column += 2) {
      uint32_t low = a[4 * column + row / 2] >> 16 * (row % 2) & 0xffff,
               high = a[4 * (column + 1) + row / 2] >> 16 * (row % 2) & 0xffff;
      d[4 * row + column / 2] = high << 16 | low;
    }
  std::memcpy(lanes<uint32_t>(w, in.d), d, sizeof d);
}

void loadFragment(Warp& w, const Instr& in, uint32_t mask) {
  eachPiece(w, static_cast<const FragmentDetail&>(*in.detail), mask, Use::load,
            [](const std::byte* memory, std::byte* reg, unsigned bytes) { std::memcpy(reg, memory, bytes); });
}

void storeFragment(Warp& w, const Instr& in, uint32_t mask) {
  ++w.cta->progress;
  eachPiece(w, static_cast<const FragmentDetail&>(*in.detail), mask, Use::store,
            [](std::byte* memory, const std::byte* reg, unsigned bytes) { std::memcpy(memory, reg, bytes); });
}

}  // namespace softcuda
