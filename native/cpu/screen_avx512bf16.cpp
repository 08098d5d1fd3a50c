// The screen in bfloat16: twice the float32 screen's products a second, and a bound that also holds what the
// conversion leaves out.
#include <immintrin.h>

#include "cpu/screen_kernels.h"
#include "cpu/vec_avx512.h"

namespace coxswain::cpu {
namespace {

constexpr int kFeatures = 12;
constexpr int kVectors = 2;
constexpr int kLanes = 16 * kVectors;

/** Converts 16 elements from e on (0 beyond d); adds squares of the value kept and of the part left out. */
struct Converter {
  const float* v;
  int64_t d;
  __m512 kept = _mm512_setzero_ps();
  __m512 left = _mm512_setzero_ps();

  __m256i at(int64_t e) {
    int64_t n = d - e < 16 ? d - e : 16;
    __m512 whole = n > 0 ? VecAvx512::loadTail(v + e, static_cast<int>(n)).v : _mm512_setzero_ps();
    __m256i half = (__m256i)_mm512_cvtneps_pbh(whole);
    __m512 back = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
    __m512 error = _mm512_sub_ps(whole, back);
    kept = _mm512_fmadd_ps(whole, whole, kept);
    left = _mm512_fmadd_ps(error, error, left);
    return half;
  }

  /** Norms rounded up: fewer than 2^13 roundings of 2^-24 each are below the 2^-10 that is added. */
  ScreenNorms norms() const {
    float norm = above(_mm512_reduce_add_ps(kept));
    float error = above(_mm512_reduce_add_ps(left));
    return {norm, error};
  }

  static float above(float squares) {
    float norm = __builtin_sqrtf(squares) * (1.0f + 0x1p-10f);
    return norm < kSmallestNorm ? kSmallestNorm : norm;
  }
};

ScreenNorms convert(const float* w, int64_t d, void* out) {
  Converter converter{w, d};
  uint16_t* half = static_cast<uint16_t*>(out);
  for (int64_t e = 0; e < d; e += 16) _mm256_storeu_si256((__m256i*)(half + e), converter.at(e));
  return converter.norms();
}

/** Panel: [d/2, lanes] pairs of elements. */
void pack(const float* x, int64_t xStride, int64_t rows, int64_t d, void* out, ScreenNorms* norms) {
  uint32_t* panel = static_cast<uint32_t*>(out);
  int64_t pairs = (d + 15) / 16 * 8;
  for (int64_t r = 0; r < kLanes; ++r) {
    Converter converter{r < rows ? x + r * xStride : x, r < rows ? d : 0};
    for (int64_t p = 0; p < pairs; p += 8) {
      alignas(32) uint32_t halves[8];
      _mm256_store_si256((__m256i*)halves, converter.at(2 * p));
      for (int i = 0; i < 8; ++i) panel[(p + i) * kLanes + r] = halves[i];
    }
    if (r < rows) norms[r] = converter.norms();
  }
}

bool tile(const ScreenTile& tile) {
  __m512 acc[kFeatures][kVectors];
  for (auto& feature : acc) {
    for (__m512& lanes : feature) lanes = _mm512_setzero_ps();
  }
  const uint32_t* x = static_cast<const uint32_t*>(tile.panel);
  const uint32_t* w = static_cast<const uint32_t*>(tile.w);
  const int64_t stride = tile.wStride / 4;
  const int64_t pairs = (tile.d + 15) / 16 * 8;
  for (int64_t p = 0; p < pairs; ++p) {
    const __m512bh x0 = (__m512bh)_mm512_loadu_si512(x + p * kLanes);
    const __m512bh x1 = (__m512bh)_mm512_loadu_si512(x + p * kLanes + 16);
#pragma GCC unroll 16
    for (int f = 0; f < kFeatures; ++f) {
      const __m512bh weight = (__m512bh)_mm512_set1_epi32(static_cast<int>(w[f * stride + p]));
      acc[f][0] = _mm512_dpbf16_ps(acc[f][0], x0, weight);
      acc[f][1] = _mm512_dpbf16_ps(acc[f][1], x1, weight);
    }
  }
  bool full = false;
  for (int f = 0; f < tile.features; ++f) {
    for (int v = 0; v < kVectors; ++v) full |= addHits<VecAvx512>(tile, f, 16 * v, VecAvx512{acc[f][v]});
  }
  return full;
}

}  // namespace

const ScreenKernels kScreenAvx512Bf16 = {
    kFeatures, kLanes, 2, 16, true, convert, pack, tile, ScreenTightening<VecAvx512>::tighten};

}  // namespace coxswain::cpu
