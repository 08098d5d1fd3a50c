// The inner loops of the explanation, one instance an instruction set.
#pragma once

#include <algorithm>
#include <vector>

#include "cpu/explain.h"
#include "cpu/explain_dots.h"
#include "cpu/explain_math.h"
#include "cpu/isa.h"

namespace coxswain::cpu {

/** Up to 128 features packed as panels of 16, against up to 128 words. */
struct ExplainBlock {
  const float* panels;  // [8, d, 16]
  int64_t features;
  const float* words;  // [count, d]
  int64_t count;
  int64_t d;
};

/** 64 features' best words so far, kept sorted. */
struct ExplainTopTask {
  int64_t firstFeature;
  int64_t features;
  const double* rowLogSumExp;     // [f]
  const double* columnLogSumExp;  // [V]
};

struct ExplainKernels {
  /** Row statistics of the block to rows[128], columns' of its words merged into columns[count]. */
  void (*statistics)(const ExplainBlock& block, double alpha, double beta, LogSum* rows, LogSum* columns);
  void (*top)(const ExplainProblem& problem, const ExplainRanking& ranking, const ExplainTopTask& task,
              const ExplainBest& best);
};

const ExplainKernels& explainKernels(Isa isa);
extern const ExplainKernels kExplainPortable;
extern const ExplainKernels kExplainAvx2;
extern const ExplainKernels kExplainAvx512;

namespace {

/** Features that one task of the second pass handles. */
constexpr int64_t kTopFeatures = 64;

inline void merge(LogSum& total, const LogSum& part) {
  const double max = std::max(total.max, part.max);
  total.sum = total.sum * expOf(total.max - max) + part.sum * expOf(part.max - max);
  total.max = max;
}

/** What one thread needs; stays for its next call. */
struct ExplainScratch {
  std::vector<float> logits;  // [128 words, 128 features]
  std::vector<float> panels;  // [4, d, 16]

  static ExplainScratch& ofThread(int64_t panelFloats) {
    static thread_local ExplainScratch scratch;
    scratch.logits.resize(kExplainTile * kExplainTile);
    if (static_cast<int64_t>(scratch.panels.size()) < panelFloats) scratch.panels.resize(panelFloats);
    return scratch;
  }
};

inline Doubles widen(const float* p) {
  Doubles wide;
  for (int i = 0; i < 8; ++i) wide[i] = p[i];
  return wide;
}

/** Over the 128 features of one word, absent ones at −∞. A maximum of 0 is +0, whichever zeros it is of. */
inline LogSum columnPart(const float* logits, double beta) {
  float largest = logits[0];
  for (int c = 1; c < kExplainTile; ++c) largest = std::max(largest, logits[c]);
  const double max = largest / beta + 0.0;
  Doubles lanes[4];
  for (int i = 0; i < 4; ++i) lanes[i] = expOf(widen(logits + 8 * i) / beta - max);
  for (int m = 32; m < kExplainTile; m += 32) {
    for (int i = 0; i < 4; ++i) lanes[i] = lanes[i] + expOf(widen(logits + m + 8 * i) / beta - max);
  }
  const Doubles eight = (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
  double sums[8];
  std::memcpy(sums, &eight, sizeof sums);
  for (int o = 4; o > 0; o /= 2) {
    for (int l = 0; l < o; ++l) sums[l] = sums[l] + sums[l + o];
  }
  return {max, sums[0]};
}

/** Over up to 128 words of 16 features, whose logits stand 128 apart. */
inline void rowParts(const float* logits, int64_t count, double alpha, LogSum* rows) {
  float largest[16];
  std::copy(logits, logits + 16, largest);
  for (int64_t w = 1; w < count; ++w) {
    for (int c = 0; c < 16; ++c) largest[c] = std::max(largest[c], logits[w * kExplainTile + c]);
  }
  for (int half = 0; half < 16; half += 8) {
    const Doubles max = widen(largest + half) / alpha;
    Doubles term[kExplainTile];
    for (int64_t w = 0; w < count; ++w)
      term[w] = expOf(widen(logits + w * kExplainTile + half) / alpha - max);
    for (int64_t w = count; w < kExplainTile; ++w) term[w] = splat(0.0);
    for (int64_t l = 0; l < 32; ++l) term[l] = ((term[l] + term[l + 32]) + term[l + 64]) + term[l + 96];
    for (int o = 16; o > 0; o /= 2) {
      for (int l = 0; l < o; ++l) term[l] = term[l] + term[l + o];
    }
    for (int c = 0; c < 8; ++c) rows[half + c] = {max[c], term[0][c]};
  }
}

/** Keeps the M best words of one feature sorted; words must come in ascending order. */
class BestWords {
 public:
  BestWords(const ExplainBest& best, int64_t feature, int64_t top) : top_(top) {
    words_ = best.words + feature * top;
    scores_ = best.scores + feature * top;
    given_ = best.wordGivenFeature + feature * top;
    logs_ = best.logFeatureGivenWord + feature * top;
  }

  bool wants(double score) const { return count_ < top_ || score > scores_[top_ - 1]; }

  void insert(int64_t word, double score, double given, double logGiven) {
    int64_t place = count_ < top_ ? count_++ : top_ - 1;
    for (; place > 0 && scores_[place - 1] < score; --place) move(place - 1, place);
    words_[place] = static_cast<int32_t>(word);
    scores_[place] = score;
    given_[place] = given;
    logs_[place] = logGiven;
  }

 private:
  void move(int64_t from, int64_t to) {
    words_[to] = words_[from];
    scores_[to] = scores_[from];
    given_[to] = given_[from];
    logs_[to] = logs_[from];
  }

  int32_t* words_;
  double* scores_;
  double* given_;
  double* logs_;
  int64_t top_;
  int64_t count_ = 0;
};

/** One word against 16 features: what is better than the worst kept is inserted. */
inline void rankWord(const float* logits, int64_t word, const ExplainProblem& problem, double shift,
                     const double* rowLogSumExp, double columnLogSumExp, int64_t features, BestWords* best) {
  for (int half = 0; half < 16; half += 8) {
    const Doubles logit = widen(logits + half);
    Doubles rows;
    for (int c = 0; c < 8; ++c) rows[c] = rowLogSumExp[half + c];
    const Doubles given = expOf(logit / problem.alpha - rows);
    const Doubles logGiven = logit / problem.beta - columnLogSumExp;
    const Doubles score = given * (logGiven + shift);
    for (int c = 0; c < 8 && half + c < features; ++c) {
      if (best[half + c].wants(score[c])) best[half + c].insert(word, score[c], given[c], logGiven[c]);
    }
  }
}

}  // namespace

template <class V>
struct ExplainLoops {
  static void statistics(const ExplainBlock& block, double alpha, double beta, LogSum* rows,
                         LogSum* columns) {
    ExplainScratch& scratch = ExplainScratch::ofThread(0);
    float* logits = scratch.logits.data();
    panelDots<V>(block.panels, kExplainTile / 16, block.words, block.count, block.d, logits, kExplainTile);
    for (int64_t w = 0; w < block.count; ++w) {
      float* row = logits + w * kExplainTile;
      std::fill(row + block.features, row + kExplainTile, -__builtin_inff());
      merge(columns[w], columnPart(row, beta));
    }
    for (int64_t c = 0; c < block.features; c += 16) {
      rowParts(logits + c, block.count, alpha, rows + c);
    }
  }

  static void top(const ExplainProblem& problem, const ExplainRanking& ranking, const ExplainTopTask& task,
                  const ExplainBest& best) {
    const int64_t d = problem.d;
    ExplainScratch& scratch = ExplainScratch::ofThread(kTopFeatures * d);
    std::vector<BestWords> kept;
    double rows[kTopFeatures] = {};
    for (int64_t c = 0; c < task.features; ++c) {
      kept.emplace_back(best, task.firstFeature + c, ranking.top);
      rows[c] = task.rowLogSumExp[task.firstFeature + c];
    }
    for (int64_t c = 0; c < kTopFeatures; c += 16) {
      packPanel(problem.features + (task.firstFeature + c) * d, task.features - c, d,
                scratch.panels.data() + c * d);
    }
    for (int64_t w = 0; w < problem.v; w += kExplainTile) {
      const int64_t count = std::min(kExplainTile, problem.v - w);
      panelDots<V>(scratch.panels.data(), kTopFeatures / 16, problem.words + w * d, count, d,
                   scratch.logits.data(), kExplainTile);
      for (int64_t i = 0; i < count; ++i) {
        for (int64_t c = 0; c < task.features; c += 16) {
          rankWord(scratch.logits.data() + i * kExplainTile + c, w + i, problem, ranking.shift, rows + c,
                   task.columnLogSumExp[w + i], task.features - c, kept.data() + c);
        }
      }
    }
  }

  static constexpr ExplainKernels table() { return {statistics, top}; }
};

}  // namespace coxswain::cpu
