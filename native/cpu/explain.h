// Mutual-information explanation in two streaming passes (docs/design.md, explanation). The F×V matrix of
// logits never exists: it is recomputed tile by tile.
//
// A block is 128 features by 128 words. Its row and column sums are taken over 32 lanes: lane l adds members
// l, l+32, l+64, l+96 in this order, then the lanes are added by halves (l + (l+16), … + 8, 4, 2, 1). Blocks
// are merged in ascending order. So the statistics have the same bits whatever the threads, the instruction
// set or the shards.
#pragma once

#include <cstdint>

#include "cpu/device.h"

namespace coxswain::cpu {

constexpr int64_t kExplainTile = 128;  // also Backend.EXPLAIN_TILE

/** A shard of features against all words. L[c,w] is the canonical dot of their rows. */
struct ExplainProblem {
  const float* features;  // U [f, d]
  int64_t f;
  const float* words;  // E [V, d]
  int64_t v;
  int64_t d;
  double alpha;
  double beta;
};

/** A running log-sum-exp: log Σ = max + log(sum). */
struct LogSum {
  double max;
  double sum;
};

/** What ranks words: p(w|c)·(log p(c|w) + shift). */
struct ExplainRanking {
  double shift;  // log F for the mutual information, 0 for the paper's objective
  int64_t top;   // M, at most V
};

/** The best M words of each feature, best first; ties by lower word. */
struct ExplainBest {
  int32_t* words;               // [f, M]
  double* scores;               // [f, M]
  double* wordGivenFeature;     // [f, M]
  double* logFeatureGivenWord;  // [f, M]
};

/**
 * First pass. Features begin at a multiple of 128 of the whole SAE's, shards come in ascending order.
 * rowLogSumExp [f] of L/α is written; columns [V] of L/β are updated.
 */
void explainStatistics(Device& device, const ExplainProblem& problem, double* rowLogSumExp, LogSum* columns);

/** Second pass, with what the first one left. */
void explainTop(Device& device, const ExplainProblem& problem, const ExplainRanking& ranking,
                const double* rowLogSumExp, const LogSum* columns, const ExplainBest& best);

}  // namespace coxswain::cpu
