// Next-token distributions from logits, and how far two of them are apart.
#pragma once

#include <cstdint>

namespace coxllama {

// What a row of logits needs to become log-probabilities: log p(v) = logits[v] - max - logSum.
struct SoftmaxStatistics {
  float max;
  double logSum;
};

SoftmaxStatistics softmaxStatistics(const float* logits, int64_t n);

// KL(p || q) in nats; p and q as logits of n tokens with their statistics.
double klDivergence(const float* p, SoftmaxStatistics ofP, const float* q, SoftmaxStatistics ofQ, int64_t n);

inline double logProbability(const float* logits, SoftmaxStatistics of, int64_t token) {
  return static_cast<double>(logits[token]) - of.max - of.logSum;
}

}  // namespace coxllama
