// Canonical dots of 16 features at a time: the lanes of a vector are features, so that the 256 accumulators
// of dot.h are walked one after the other and their sum needs no movement between lanes. Same bits as dot().
#pragma once

#include <cstdint>

namespace coxswain::cpu {

/** Elements of 16 features, element by element: panel[16·e + c]; lanes without a feature are 0. */
static inline void packPanel(const float* features, int64_t count, int64_t d, float* panel) {
  for (int64_t c = 0; c < 16; ++c) {
    for (int64_t e = 0; e < d; ++e) panel[16 * e + c] = c < count ? features[c * d + e] : 0.0f;
  }
}

/** W words against P panels that lie one after the other. */
template <class V, int W, int P>
struct PanelDots {
  const float* panels;  // [P, d, 16]
  const float* words;   // [W, d]
  int64_t d;

  /** out[w·stride + 16·p + c] = dot(words[w], feature c of panel p). */
  void run(float* out, int64_t stride) const {
    V lanes[32][W * P];
    for (int64_t l = 0; l < 32; ++l) accumulators<8>(8 * l, lanes[l]);
    for (int o = 16; o > 0; o /= 2) {
      for (int l = 0; l < o; ++l) {
        for (int i = 0; i < W * P; ++i) lanes[l][i] = lanes[l][i] + lanes[l + o][i];
      }
    }
    for (int w = 0; w < W; ++w) {
      for (int p = 0; p < P; ++p) lanes[0][w * P + p].store(out + w * stride + 16 * p);
    }
  }

  /** Sum of the accumulators a to a + N − 1, pairwise. */
  template <int N>
  __attribute__((always_inline)) void accumulators(int64_t a, V (&sum)[W * P]) const {
    if constexpr (N == 1) {
      accumulator(a, sum);
    } else {
      V right[W * P];
      accumulators<N / 2>(a, sum);
      accumulators<N / 2>(a + N / 2, right);
#pragma GCC unroll 8
      for (int i = 0; i < W * P; ++i) sum[i] = sum[i] + right[i];
    }
  }

  __attribute__((always_inline)) void accumulator(int64_t a, V (&sum)[W * P]) const {
#pragma GCC unroll 8
    for (int i = 0; i < W * P; ++i) sum[i] = V::zero();
    for (int64_t e = a; e < d; e += 256) {
      V panel[P];
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) panel[p] = V::load(panels + (p * d + e) * 16);
#pragma GCC unroll 8
      for (int w = 0; w < W; ++w) {
        const V word = V::broadcast(words[w * d + e]);
#pragma GCC unroll 8
        for (int p = 0; p < P; ++p) sum[w * P + p] = V::fma(panel[p], word, sum[w * P + p]);
      }
    }
  }
};

/** All words against all panels; panels is even. out is [words, stride] with 16·panels in use. */
template <class V>
static inline void panelDots(const float* panels, int64_t panelCount, const float* words, int64_t wordCount,
                             int64_t d, float* out, int64_t stride) {
  constexpr int kPanels = V::kLive == 16 ? 2 : 1;  // as many as the registers hold
  constexpr int kWords = V::kLive == 16 ? 3 : 1;
  for (int64_t p = 0; p < panelCount; p += kPanels) {
    const float* panel = panels + p * d * 16;
    int64_t w = 0;
    for (; w + kWords <= wordCount; w += kWords) {
      PanelDots<V, kWords, kPanels>{panel, words + w * d, d}.run(out + w * stride + 16 * p, stride);
    }
    for (; w < wordCount; ++w) {
      PanelDots<V, 1, kPanels>{panel, words + w * d, d}.run(out + w * stride + 16 * p, stride);
    }
  }
}

}  // namespace coxswain::cpu
