// mma: fragments are spread out to plain matrices, multiplied, and gathered again. Floating-point products
// are summed in ascending k by fused multiply-adds in f32; hardware promises no order.
#include "execute/handlers.h"
#include "lanes/convert.h"
#include "lanes/floats.h"
#include "program/details.h"

namespace softcuda::SOFTCUDA_LANES {
namespace {

using ptx::Type;

constexpr unsigned kRows = 32, kDepth = 256;

float f16(uint16_t h) {
  uint32_t rest = h & 0x7fffu;
  if (rest >= 0x7c00) return rest == 0x7c00 ? ((h & 0x8000) != 0 ? -INFINITY : INFINITY) : NAN;
  float f = bitsToFloat(rest << 13) * 0x1p112f;
  return (h & 0x8000) != 0 ? -f : f;
}

float elementOf(Type type, uint32_t word, unsigned index) {
  switch (type) {
    case Type::bf16:
      return bitsToFloat(index == 0 ? word << 16 : word & 0xffff0000);
    case Type::f16:
      return f16(static_cast<uint16_t>(word >> 16 * index));
    case Type::tf32:
      return bitsToFloat(word & 0xffffe000);  // the unit does not see the low bits
    case Type::e4m3:
      return static_cast<float>(valueOf(word >> 8 * index & 0xff, kE4m3));
    case Type::e5m2:
      return static_cast<float>(valueOf(word >> 8 * index & 0xff, kE5m2));
    default:
      return bitsToFloat(word);
  }
}
int32_t integerOf(Type type, uint32_t word, unsigned index) {
  switch (type) {
    case Type::s8:
      return static_cast<int8_t>(word >> 8 * index);
    case Type::u8:
      return static_cast<uint8_t>(word >> 8 * index);
    case Type::s4:
      return static_cast<int32_t>(word << (28 - 4 * index)) >> 28;
    default:
      return static_cast<int32_t>(word >> 4 * index & 15);
  }
}

// Calls each(row, column, register, lane, index) for every element of the factor's tiles.
template <class F>
void spread(const Fragment& fragment, F each) {
  unsigned down = fragment.rows / 8, tiles = fragment.tiles();
  for (unsigned t = 0; t < tiles; ++t)
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned i = 0; i < fragment.perLane; ++i)
        each(t % down * 8 + lane / 4, t / down * 4 * fragment.perLane + lane % 4 * fragment.perLane + i, t,
             lane, i);
}

template <class T, class F>
void spreadFactor(Warp& w, const Fragment& fragment, T* matrix, unsigned rowStride, unsigned columnStride,
                  F convert) {
  unsigned down = fragment.rows / 8, tiles = fragment.tiles(), per = fragment.perLane;
  for (unsigned t = 0; t < tiles; ++t) {
    const uint32_t* words = lanes<uint32_t>(w, fragment.registers[t]);
    for (unsigned lane = 0; lane < 32; ++lane) {
      T* to = matrix + (t % down * 8 + lane / 4) * rowStride + (t / down * 4 + lane % 4) * per * columnStride;
      for (unsigned i = 0; i < per; ++i) to[i * columnStride] = convert(words[lane], i);
    }
  }
}

void spreadFloats(Warp& w, const Fragment& f, float* matrix, unsigned rowStride, unsigned columnStride) {
  switch (f.type) {
    case Type::bf16:
      spreadFactor(w, f, matrix, rowStride, columnStride,
                   [](uint32_t word, unsigned i) { return elementOf(Type::bf16, word, i); });
      break;
    case Type::f16:
      spreadFactor(w, f, matrix, rowStride, columnStride,
                   [](uint32_t word, unsigned i) { return elementOf(Type::f16, word, i); });
      break;
    default:
      spreadFactor(w, f, matrix, rowStride, columnStride,
                   [&](uint32_t word, unsigned i) { return elementOf(f.type, word, i); });
  }
}

// Accumulators: two elements a lane and tile, in one register of halves or in two.
template <class T>
void readAccumulator(Warp& w, const Fragment& f, T* matrix, unsigned stride) {
  spread(f, [&](unsigned row, unsigned column, unsigned t, unsigned lane, unsigned i) {
    T& at = matrix[row * stride + column];
    if (f.type == Type::f16)
      at = static_cast<T>(f16(static_cast<uint16_t>(lanes<uint32_t>(w, f.registers[t])[lane] >> 16 * i)));
    else
      at = lanes<T>(w, f.registers[2 * t + i])[lane];
  });
}
template <class T>
void writeAccumulator(Warp& w, const Fragment& f, const T* matrix, unsigned stride) {
  spread(f, [&](unsigned row, unsigned column, unsigned t, unsigned lane, unsigned i) {
    T value = matrix[row * stride + column];
    if (f.type == Type::f16) {
      uint32_t& word = lanes<uint32_t>(w, f.registers[t])[lane];
      uint32_t half =
          value != value ? 0x7fff : roundTo(static_cast<double>(value), kF16, Round::nearest, false);
      word = i == 0 ? (word & 0xffff0000) | half : (word & 0xffff) | half << 16;
    } else {
      lanes<T>(w, f.registers[2 * t + i])[lane] = value;
    }
  });
}

// C += A · B, rows of `N` columns.
template <unsigned N, class T, class F>
void multiply(unsigned m, unsigned k, const F* a, const F* b, T* c) {
  for (unsigned row = 0; row < m; ++row) {
    T sums[N];
    for (unsigned j = 0; j < N; ++j) sums[j] = c[row * kRows + j];
    for (unsigned i = 0; i < k; ++i) {
      F factor = a[row * kDepth + i];
      for (unsigned j = 0; j < N; ++j) {
        if constexpr (std::is_floating_point_v<T>)
          sums[j] = Fma::apply(factor, b[i * kRows + j], sums[j]);
        else
          sums[j] += static_cast<T>(factor) * b[i * kRows + j];
      }
    }
    for (unsigned j = 0; j < N; ++j) c[row * kRows + j] = sums[j];
  }
}
template <class T, class F>
void multiply(const MmaDetail& d, const F* a, const F* b, T* c) {
  if (d.n == 8)
    multiply<8>(d.m, d.k, a, b, c);
  else if (d.n == 16)
    multiply<16>(d.m, d.k, a, b, c);
  else
    multiply<32>(d.m, d.k, a, b, c);
}

void mmaFloat(Warp& w, const Instr& in, uint32_t mask) {
  const auto& detail = static_cast<const MmaDetail&>(*in.detail);
  beginProduct(w, detail, mask);
  float a[kRows * kDepth], b[64 * kRows], c[kRows * kRows];
  spreadFloats(w, detail.a, a, kDepth, 1);
  spreadFloats(w, detail.b, b, 1, kRows);
  readAccumulator(w, detail.c, c, kRows);
  multiply(detail, a, b, c);
  for (unsigned i = 0; i < detail.m; ++i)
    for (unsigned j = 0; j < detail.n; ++j) c[i * kRows + j] = canonical(c[i * kRows + j]);
  writeAccumulator(w, detail.d, c, kRows);
}

void mmaDouble(Warp& w, const Instr& in, uint32_t mask) {
  const auto& detail = static_cast<const MmaDetail&>(*in.detail);
  beginProduct(w, detail, mask);
  double a[16 * kDepth], b[32 * kRows], c[kRows * kRows];
  spread(detail.a, [&](unsigned row, unsigned column, unsigned t, unsigned lane, unsigned) {
    a[row * kDepth + column] = lanes<double>(w, detail.a.registers[t])[lane];
  });
  spread(detail.b, [&](unsigned row, unsigned column, unsigned t, unsigned lane, unsigned) {
    b[column * kRows + row] = lanes<double>(w, detail.b.registers[t])[lane];
  });
  readAccumulator(w, detail.c, c, kRows);
  multiply(detail, a, b, c);
  writeAccumulator(w, detail.d, c, kRows);
}

void mmaInteger(Warp& w, const Instr& in, uint32_t mask) {
  const auto& detail = static_cast<const MmaDetail&>(*in.detail);
  beginProduct(w, detail, mask);
  int32_t a[kRows * kDepth], b[64 * kRows], c[kRows * kRows], old[kRows * kRows] = {};
  spreadFactor(w, detail.a, a, kDepth, 1,
               [&](uint32_t word, unsigned i) { return integerOf(detail.a.type, word, i); });
  spreadFactor(w, detail.b, b, 1, kRows,
               [&](uint32_t word, unsigned i) { return integerOf(detail.b.type, word, i); });
  readAccumulator(w, detail.c, c, kRows);
  if (detail.saturate) {
    std::memcpy(old, c, sizeof old);
    std::memset(c, 0, sizeof c);
  }
  multiply(detail, a, b, reinterpret_cast<uint32_t*>(c));
  if (detail.saturate) {
    for (unsigned i = 0; i < kRows * kRows; ++i) {
      int64_t sum = static_cast<int64_t>(old[i]) + c[i];
      c[i] = static_cast<int32_t>(sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum);
    }
  }
  writeAccumulator(w, detail.d, c, kRows);
}

void mmaBits(Warp& w, const Instr& in, uint32_t mask) {
  const auto& detail = static_cast<const MmaDetail&>(*in.detail);
  beginProduct(w, detail, mask);
  // A word of 32 bits is what a lane holds of a row.
  Fragment a = detail.a, b = detail.b;
  a.perLane = b.perLane = 1, a.columns /= 32, b.columns /= 32;
  uint32_t rowsA[16][8], rowsB[8][8];
  int32_t c[kRows * kRows];
  spread(a, [&](unsigned row, unsigned column, unsigned t, unsigned lane, unsigned) {
    rowsA[row][column] = lanes<uint32_t>(w, a.registers[t])[lane];
  });
  spread(b, [&](unsigned row, unsigned column, unsigned t, unsigned lane, unsigned) {
    rowsB[row][column] = lanes<uint32_t>(w, b.registers[t])[lane];
  });
  readAccumulator(w, detail.c, c, kRows);
  for (unsigned i = 0; i < detail.m; ++i)
    for (unsigned j = 0; j < detail.n; ++j)
      for (unsigned k = 0; k < detail.k / 32; ++k) {
        uint32_t bits = detail.andPopc ? rowsA[i][k] & rowsB[j][k] : rowsA[i][k] ^ rowsB[j][k];
        c[i * kRows + j] += __builtin_popcount(bits);
      }
  writeAccumulator(w, detail.d, c, kRows);
}

}  // namespace

void addMatrices(Registry& r) {
  r["mma.float"] = mmaFloat;
  r["mma.f64"] = mmaDouble;
  r["mma.int"] = mmaInteger;
  r["mma.b1"] = mmaBits;
}

}  // namespace softcuda::SOFTCUDA_LANES
