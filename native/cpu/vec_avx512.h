// The logical vector of 16 floats as one AVX-512 register; contract in vec_portable.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace coxswain::cpu {

struct VecAvx512 {
  static constexpr int kLive = 16;
  __m512 v;

  static __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1u); }

  static VecAvx512 zero() { return {_mm512_setzero_ps()}; }
  static VecAvx512 broadcast(float s) { return {_mm512_set1_ps(s)}; }
  static VecAvx512 load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static VecAvx512 loadTail(const float* p, int n) { return {_mm512_maskz_loadu_ps(first(n), p)}; }
  static VecAvx512 loadF16(const uint16_t* p) { return fromF16(_mm256_loadu_si256((const __m256i*)p)); }
  static VecAvx512 loadF16Tail(const uint16_t* p, int n) {
    return fromF16(_mm256_maskz_loadu_epi16(first(n), p));
  }
  static VecAvx512 loadBf16(const uint16_t* p) { return fromBf16(_mm256_loadu_si256((const __m256i*)p)); }
  static VecAvx512 loadBf16Tail(const uint16_t* p, int n) {
    return fromBf16(_mm256_maskz_loadu_epi16(first(n), p));
  }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void storeTail(float* p, int n) const { _mm512_mask_storeu_ps(p, first(n), v); }
  void storeF16(uint16_t* p) const { _mm256_storeu_si256((__m256i*)p, toF16()); }
  void storeF16Tail(uint16_t* p, int n) const { _mm256_mask_storeu_epi16(p, first(n), toF16()); }
  void storeBf16(uint16_t* p) const { _mm256_storeu_si256((__m256i*)p, toBf16()); }
  void storeBf16Tail(uint16_t* p, int n) const { _mm256_mask_storeu_epi16(p, first(n), toBf16()); }

  friend VecAvx512 operator+(VecAvx512 a, VecAvx512 b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend VecAvx512 operator-(VecAvx512 a, VecAvx512 b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend VecAvx512 operator*(VecAvx512 a, VecAvx512 b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend VecAvx512 operator/(VecAvx512 a, VecAvx512 b) { return {_mm512_div_ps(a.v, b.v)}; }
  static VecAvx512 sqrt(VecAvx512 a) { return {_mm512_sqrt_ps(a.v)}; }
  static VecAvx512 fma(VecAvx512 a, VecAvx512 b, VecAvx512 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static VecAvx512 near(VecAvx512 a, VecAvx512 b, VecAvx512 c) { return fma(a, b, c); }
  static VecAvx512 fmaTail(VecAvx512 a, VecAvx512 b, VecAvx512 c, int n) {
    return {_mm512_mask3_fmadd_ps(a.v, b.v, c.v, first(n))};
  }
  /** min and max return their second operand where one is NaN. */
  static VecAvx512 clamp(VecAvx512 a, float limit) {
    return {_mm512_max_ps(_mm512_set1_ps(-limit), _mm512_min_ps(_mm512_set1_ps(limit), a.v))};
  }
  static uint32_t above(VecAvx512 a, VecAvx512 t) { return _mm512_cmp_ps_mask(a.v, t.v, _CMP_GT_OQ); }
  static uint32_t atLeast(VecAvx512 a, VecAvx512 t) { return _mm512_cmp_ps_mask(a.v, t.v, _CMP_GE_OQ); }
  static uint32_t atLeastAbs(VecAvx512 a, float t) {
    return _mm512_cmp_ps_mask(_mm512_abs_ps(a.v), _mm512_set1_ps(t), _CMP_GE_OQ);
  }

  static float reduce(const VecAvx512 (&a)[16]) {
    __m512 pairs[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) pairs[i] = addNeighbours(a[2 * i].v, a[2 * i + 1].v);
    __m512 quads[4];  // each 128-bit lane: one quad of four accumulator vectors
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) quads[i] = addNeighbours(pairs[2 * i], pairs[2 * i + 1]);
    __m512 lanes = _mm512_add_ps(addLanes(quads[0], quads[1]), addLanes(quads[2], quads[3]));  // xor 16
    __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(lanes), _mm512_extractf32x8_ps(lanes, 1));
    s8 = _mm256_add_ps(s8, _mm256_permute_ps(s8, 0x4e));  // xor 4
    s8 = _mm256_add_ps(s8, _mm256_permute_ps(s8, 0xb1));  // xor 2
    return _mm_cvtss_f32(_mm_add_ss(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1)));
  }

 private:
  static VecAvx512 fromF16(__m256i half) { return {_mm512_cvtph_ps(half)}; }
  static VecAvx512 fromBf16(__m256i half) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16))};
  }
  __m256i toF16() const { return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  __m256i toBf16() const {
    __m512i bits = _mm512_castps_si512(v);
    __m512i even = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(even, _mm512_set1_epi32(0x7fff)));
    __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    rounded = _mm512_mask_or_epi32(rounded, nan, bits, _mm512_set1_epi32(0x400000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16));
  }
  static __m512 addNeighbours(__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
  }
  static __m512 addLanes(__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
  }
};

}  // namespace coxswain::cpu
