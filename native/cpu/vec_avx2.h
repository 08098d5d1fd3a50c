// The logical vector of 16 floats as two AVX2 registers; contract in vec_portable.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace coxswain::cpu {

struct VecAvx2 {
  static constexpr int kLive = 4;
  __m256 lo;
  __m256 hi;

  static VecAvx2 zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static VecAvx2 broadcast(float s) { return {_mm256_set1_ps(s), _mm256_set1_ps(s)}; }
  static VecAvx2 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static VecAvx2 loadTail(const float* p, int n) {
    return {_mm256_maskload_ps(p, first(n)), _mm256_maskload_ps(p + 8, first(n - 8))};
  }
  static VecAvx2 loadF16(const uint16_t* p) {
    return {_mm256_cvtph_ps(half(p)), _mm256_cvtph_ps(half(p + 8))};
  }
  static VecAvx2 loadF16Tail(const uint16_t* p, int n) {
    uint16_t whole[16];
    return loadF16(padded(p, n, whole));
  }
  static VecAvx2 loadBf16(const uint16_t* p) { return {fromBf16(half(p)), fromBf16(half(p + 8))}; }
  static VecAvx2 loadBf16Tail(const uint16_t* p, int n) {
    uint16_t whole[16];
    return loadBf16(padded(p, n, whole));
  }
  void store(float* p) const {
    _mm256_storeu_ps(p, lo);
    _mm256_storeu_ps(p + 8, hi);
  }
  void storeTail(float* p, int n) const {
    _mm256_maskstore_ps(p, first(n), lo);
    _mm256_maskstore_ps(p + 8, first(n - 8), hi);
  }
  void storeF16(uint16_t* p) const {
    _mm_storeu_si128((__m128i*)p, _mm256_cvtps_ph(lo, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    _mm_storeu_si128((__m128i*)(p + 8), _mm256_cvtps_ph(hi, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  void storeF16Tail(uint16_t* p, int n) const {
    uint16_t whole[16];
    storeF16(whole);
    for (int i = 0; i < n; ++i) p[i] = whole[i];
  }
  void storeBf16(uint16_t* p) const {
    _mm_storeu_si128((__m128i*)p, toBf16(lo));
    _mm_storeu_si128((__m128i*)(p + 8), toBf16(hi));
  }
  void storeBf16Tail(uint16_t* p, int n) const {
    uint16_t whole[16];
    storeBf16(whole);
    for (int i = 0; i < n; ++i) p[i] = whole[i];
  }

  friend VecAvx2 operator+(VecAvx2 a, VecAvx2 b) {
    return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
  }
  friend VecAvx2 operator-(VecAvx2 a, VecAvx2 b) {
    return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
  }
  friend VecAvx2 operator*(VecAvx2 a, VecAvx2 b) {
    return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
  }
  friend VecAvx2 operator/(VecAvx2 a, VecAvx2 b) {
    return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
  }
  static VecAvx2 sqrt(VecAvx2 a) { return {_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)}; }
  static VecAvx2 fma(VecAvx2 a, VecAvx2 b, VecAvx2 c) {
    return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
  }
  static VecAvx2 near(VecAvx2 a, VecAvx2 b, VecAvx2 c) { return fma(a, b, c); }
  static VecAvx2 fmaTail(VecAvx2 a, VecAvx2 b, VecAvx2 c, int n) {
    VecAvx2 sum = fma(a, b, c);
    return {_mm256_blendv_ps(c.lo, sum.lo, _mm256_castsi256_ps(first(n))),
            _mm256_blendv_ps(c.hi, sum.hi, _mm256_castsi256_ps(first(n - 8)))};
  }
  /** min and max return their second operand where one is NaN. */
  static VecAvx2 clamp(VecAvx2 a, float limit) {
    __m256 top = _mm256_set1_ps(limit);
    __m256 bottom = _mm256_set1_ps(-limit);
    return {_mm256_max_ps(bottom, _mm256_min_ps(top, a.lo)), _mm256_max_ps(bottom, _mm256_min_ps(top, a.hi))};
  }
  static uint32_t above(VecAvx2 a, VecAvx2 t) {
    return mask(_mm256_cmp_ps(a.lo, t.lo, _CMP_GT_OQ), _mm256_cmp_ps(a.hi, t.hi, _CMP_GT_OQ));
  }
  static uint32_t atLeast(VecAvx2 a, VecAvx2 t) {
    return mask(_mm256_cmp_ps(a.lo, t.lo, _CMP_GE_OQ), _mm256_cmp_ps(a.hi, t.hi, _CMP_GE_OQ));
  }
  static uint32_t atLeastAbs(VecAvx2 a, float t) {
    __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 limit = _mm256_set1_ps(t);
    return mask(_mm256_cmp_ps(_mm256_andnot_ps(sign, a.lo), limit, _CMP_GE_OQ),
                _mm256_cmp_ps(_mm256_andnot_ps(sign, a.hi), limit, _CMP_GE_OQ));
  }

  static float reduce(const VecAvx2 (&a)[16]) {
    // octets[m][j]: for accumulator vectors 4j to 4j+3, the sum of elements 8m to 8m+7
    __m128 octets[2][4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const VecAvx2* b = a + 4 * j;
      octets[0][j] = sumOctets(b[0].lo, b[1].lo, b[2].lo, b[3].lo);
      octets[1][j] = sumOctets(b[0].hi, b[1].hi, b[2].hi, b[3].hi);
    }
    __m128 s[2];
#pragma GCC unroll 2
    for (int m = 0; m < 2; ++m) {
      __m128 even = _mm_add_ps(octets[m][0], octets[m][2]);  // xor 16
      __m128 odd = _mm_add_ps(octets[m][1], octets[m][3]);
      s[m] = _mm_add_ps(even, odd);                        // xor 8
      s[m] = _mm_add_ps(s[m], _mm_movehl_ps(s[m], s[m]));  // xor 4
      s[m] = _mm_add_ps(s[m], _mm_movehdup_ps(s[m]));      // xor 2
    }
    return _mm_cvtss_f32(_mm_add_ss(s[0], s[1]));
  }

 private:
  static __m256i first(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static __m128i half(const uint16_t* p) { return _mm_loadu_si128((const __m128i*)p); }
  static const uint16_t* padded(const uint16_t* p, int n, uint16_t (&whole)[16]) {
    for (int i = 0; i < 16; ++i) whole[i] = i < n ? p[i] : 0;
    return whole;
  }
  static __m256 fromBf16(__m128i half) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
  }
  static __m128i toBf16(__m256 v) {
    __m256i bits = _mm256_castps_si256(v);
    __m256i even = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(even, _mm256_set1_epi32(0x7fff)));
    __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    __m256 nan = _mm256_cmp_ps(v, v, _CMP_UNORD_Q);
    rounded =
        _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(rounded), _mm256_castsi256_ps(quiet), nan));
    rounded = _mm256_srli_epi32(rounded, 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1));
  }
  static uint32_t mask(__m256 lo, __m256 hi) {
    return static_cast<uint32_t>(_mm256_movemask_ps(lo)) | static_cast<uint32_t>(_mm256_movemask_ps(hi)) << 8;
  }
  static __m256 addNeighbours(__m256 a, __m256 b) {
    return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xdd));
  }
  static __m128 sumOctets(__m256 a, __m256 b, __m256 c, __m256 d) {
    __m256 quads = addNeighbours(addNeighbours(a, b), addNeighbours(c, d));
    return _mm_add_ps(_mm256_castps256_ps128(quads), _mm256_extractf128_ps(quads, 1));
  }
};

}  // namespace coxswain::cpu
