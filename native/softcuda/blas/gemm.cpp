#include "gemm.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "softcuda/driver/softcuda.h"

namespace softcuda {
namespace {

uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float floatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// To nearest even, `dropped` low bits of the mantissa less; infinities and NaN stay.
float roundMantissa(float value, int dropped) {
  const uint32_t bits = bitsOf(value);
  if ((bits & 0x7f800000u) == 0x7f800000u) return value;
  const uint32_t half = (1u << (dropped - 1)) - 1 + ((bits >> dropped) & 1);
  return floatOf((bits + half) & ~((1u << dropped) - 1));
}

float fromHalf(uint16_t bits) {
  _Float16 value;
  std::memcpy(&value, &bits, sizeof value);
  return float(value);
}

uint16_t toHalf(float value) {
  const auto half = _Float16(value);
  uint16_t bits;
  std::memcpy(&bits, &half, sizeof bits);
  return bits;
}

float rounded(float value, int type) {
  switch (type) {
    case CUDA_R_16F:
      return fromHalf(toHalf(value));
    case CUDA_R_16BF:
      return roundMantissa(value, 16);
    case roundTf32:
      return roundMantissa(value, 13);
    default:
      return value;
  }
}

CUresult checkColumns(const char* what, const Matrix& matrix, uint64_t address, int64_t rows, int64_t columns,
                      CUresult (*check)(const char*, uint64_t, size_t)) {
  const int64_t bytes = elementBytes(matrix.type);
  for (int64_t j = 0; j < columns; ++j)
    if (const CUresult bad =
            check(what, address + uint64_t(j * matrix.leading * bytes), size_t(rows * bytes)))
      return bad;
  return CUDA_SUCCESS;
}

// The matrix as floats: element (i, j) of op(X) at [j * rows + i].
std::vector<float> gather(const Matrix& matrix, uint64_t address, bool transpose, int64_t rows,
                          int64_t columns, int roundTo) {
  std::vector<float> out(size_t(rows * columns));
  const int64_t bytes = elementBytes(matrix.type);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      const int64_t at = transpose ? i * matrix.leading + j : j * matrix.leading + i;
      out[size_t(j * rows + i)] = rounded(readElement(address + uint64_t(at * bytes), matrix.type), roundTo);
    }
  return out;
}

// sums[i] += column[i] * factor; the same bits at every vector width.
__attribute__((target_clones("avx2", "default"))) void addScaled(float* sums, const float* column,
                                                                 float factor, int64_t count) {
  for (int64_t i = 0; i < count; ++i) sums[i] += column[i] * factor;
}

// The parts that a sum is split into, each with its terms in order; more than one only with a seed, as
// split-K kernels of the real library do.
std::vector<std::vector<int64_t>> sumOrder(int64_t k, uint64_t seed) {
  std::vector<int64_t> terms(static_cast<size_t>(k));
  std::iota(terms.begin(), terms.end(), 0);
  if (seed == 0) return {terms};
  std::mt19937_64 random(seed);
  std::shuffle(terms.begin(), terms.end(), random);
  std::vector<std::vector<int64_t>> parts(1 + random() % 8);
  for (const int64_t term : terms) parts[random() % parts.size()].push_back(term);
  return parts;
}

void multiply(const Gemm& g, const std::vector<float>& a, const std::vector<float>& b, uint64_t c,
              float alpha, float beta) {
  constexpr int64_t rowsAtATime = 512;
  const auto parts = sumOrder(g.k, g.seed);
  const int64_t bytes = elementBytes(g.c.type);
  std::vector<float> total(rowsAtATime), part(rowsAtATime);
  for (int64_t first = 0; first < g.m; first += rowsAtATime) {
    const int64_t rows = std::min(rowsAtATime, g.m - first);
    for (int64_t j = 0; j < g.n; ++j) {
      std::fill(total.begin(), total.end(), 0.0f);
      for (const auto& terms : parts) {
        std::fill(part.begin(), part.end(), 0.0f);
        for (const int64_t l : terms)
          addScaled(part.data(), &a[size_t(l * g.m + first)], b[size_t(j * g.k + l)], rows);
        addScaled(total.data(), part.data(), 1.0f, rows);
      }
      for (int64_t i = 0; i < rows; ++i) {
        const uint64_t at = c + uint64_t((j * g.c.leading + first + i) * bytes);
        const float scaled = alpha * total[size_t(i)];
        writeElement(at, g.c.type, beta == 0 ? scaled : scaled + beta * readElement(at, g.c.type));
      }
    }
  }
}

CUresult scalar(const char* what, uint64_t address, float given, float* out) {
  *out = given;
  if (address == 0) return CUDA_SUCCESS;
  if (const CUresult bad = softcudaReadable(what, address, sizeof *out)) return bad;
  *out = readElement(address, CUDA_R_32F);
  return CUDA_SUCCESS;
}

CUresult computeOne(const Gemm& g, int64_t index, float alpha, float beta) {
  const auto at = [&](const Matrix& x) {
    return x.address + uint64_t(index * x.stride * elementBytes(x.type));
  };
  const bool inputs = alpha != 0 && g.k > 0;
  CUresult bad = CUDA_SUCCESS;
  const int64_t rowsA = g.transposeA ? g.k : g.m, columnsA = g.transposeA ? g.m : g.k;
  const int64_t rowsB = g.transposeB ? g.n : g.k, columnsB = g.transposeB ? g.k : g.n;
  if (inputs && (bad = checkColumns("cuBLAS: A", g.a, at(g.a), rowsA, columnsA, softcudaReadable)))
    return bad;
  if (inputs && (bad = checkColumns("cuBLAS: B", g.b, at(g.b), rowsB, columnsB, softcudaReadable)))
    return bad;
  if (beta != 0 && (bad = checkColumns("cuBLAS: C", g.c, at(g.c), g.m, g.n, softcudaReadable))) return bad;
  if ((bad = checkColumns("cuBLAS: C", g.c, at(g.c), g.m, g.n, softcudaWritten))) return bad;
  Gemm product = g;
  if (!inputs) product.k = 0;
  const auto a = gather(g.a, at(g.a), g.transposeA, g.m, product.k, g.roundInputsTo);
  const auto b = gather(g.b, at(g.b), g.transposeB, product.k, g.n, g.roundInputsTo);
  multiply(product, a, b, at(g.c), alpha, beta);
  return CUDA_SUCCESS;
}

}  // namespace

int64_t elementBytes(int type) { return type == CUDA_R_32F ? 4 : 2; }

float readElement(uint64_t address, int type) {
  const void* from = reinterpret_cast<const void*>(address);
  if (type == CUDA_R_32F) {
    float value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, from, sizeof bits);
  return type == CUDA_R_16F ? fromHalf(bits) : floatOf(uint32_t(bits) << 16);
}

void writeElement(uint64_t address, int type, float value) {
  void* to = reinterpret_cast<void*>(address);
  if (type == CUDA_R_32F) {
    std::memcpy(to, &value, sizeof value);
    return;
  }
  const uint16_t bits = type == CUDA_R_16F ? toHalf(value) : uint16_t(bitsOf(roundMantissa(value, 16)) >> 16);
  std::memcpy(to, &bits, sizeof bits);
}

CUresult compute(const Gemm& g) {
  float alpha, beta;
  if (const CUresult bad = scalar("cuBLAS: alpha", g.alphaAddress, g.alpha, &alpha)) return bad;
  if (const CUresult bad = scalar("cuBLAS: beta", g.betaAddress, g.beta, &beta)) return bad;
  for (int64_t i = 0; i < g.batch; ++i)
    if (const CUresult bad = computeOne(g, i, alpha, beta)) return bad;
  return CUDA_SUCCESS;
}

}  // namespace softcuda
