#include "distribution.h"

#include <algorithm>
#include <cmath>
#include <cstring>

// The loops run over a whole vocabulary for every token measured, so they are written for the
// compiler to vectorise: lanes of independent sums, and an exponential without branches.
// Sanitizers are not up yet when the loader chooses between clones.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define COX_VECTORISED __attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3")))
#else
#define COX_VECTORISED
#endif

namespace coxllama {
namespace {

constexpr int kLanes = 16;

// e^x for x <= 0 to about 2e-7 relative; 0 below -87.
inline float expNonPositive(float x) {
  float t = x * 1.44269504f;
  float whole = (t + 12582912.f) - 12582912.f;
  float f = t - whole;
  float p = 1.5403530e-4f;
  p = p * f + 1.3333558e-3f;
  p = p * f + 9.6181291e-3f;
  p = p * f + 5.5504109e-2f;
  p = p * f + 2.4022651e-1f;
  p = p * f + 6.9314718e-1f;
  p = p * f + 1.f;
  int32_t bits = (static_cast<int32_t>(std::max(whole, -126.f)) + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return x < -87.f ? 0.f : p * scale;
}

COX_VECTORISED float maximum(const float* x, int64_t n) {
  float lanes[kLanes];
  std::fill(lanes, lanes + kLanes, -INFINITY);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int l = 0; l < kLanes; l++) {
      lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
    }
  }
  for (; i < n; i++) {
    lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
  }
  return *std::max_element(lanes, lanes + kLanes);
}

COX_VECTORISED double sumOfExponentials(const float* x, float max, int64_t n) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int l = 0; l < kLanes; l++) {
      lanes[l] += expNonPositive(x[i + l] - max);
    }
  }
  for (; i < n; i++) {
    lanes[0] += expNonPositive(x[i] - max);
  }
  double sum = 0;
  for (float lane : lanes) {
    sum += lane;
  }
  return sum;
}

// sum of e^(p - maxP) * ((p - maxP) - (q - maxQ))
COX_VECTORISED double weightedDifference(const float* p, float maxP, const float* q, float maxQ, int64_t n) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int l = 0; l < kLanes; l++) {
      float dp = p[i + l] - maxP;
      lanes[l] += expNonPositive(dp) * (dp - (q[i + l] - maxQ));
    }
  }
  for (; i < n; i++) {
    float dp = p[i] - maxP;
    lanes[0] += expNonPositive(dp) * (dp - (q[i] - maxQ));
  }
  double sum = 0;
  for (float lane : lanes) {
    sum += lane;
  }
  return sum;
}

}  // namespace

SoftmaxStatistics softmaxStatistics(const float* logits, int64_t n) {
  float max = maximum(logits, n);
  return {max, std::log(sumOfExponentials(logits, max, n))};
}

double klDivergence(const float* p, SoftmaxStatistics ofP, const float* q, SoftmaxStatistics ofQ, int64_t n) {
  double mean = weightedDifference(p, ofP.max, q, ofQ.max, n) / std::exp(ofP.logSum);
  return std::max(0.0, mean - ofP.logSum + ofQ.logSum);
}

}  // namespace coxllama
