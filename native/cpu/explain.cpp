#include "cpu/explain.h"

#include "cpu/explain_kernels.h"

namespace coxswain::cpu {
namespace {

/** Packs up to 128 features; panels without a feature stay as zeros. */
void packTile(Device& device, const ExplainProblem& problem, int64_t first, int64_t count, float* panels) {
  device.pool.run(kExplainTile / 16, [&](int64_t p) {
    const float* features = problem.features + (first + 16 * p) * problem.d;
    packPanel(features, count - 16 * p, problem.d, panels + 16 * p * problem.d);
  });
}

}  // namespace

void explainStatistics(Device& device, const ExplainProblem& problem, double* rowLogSumExp, LogSum* columns) {
  const ExplainKernels& kernels = explainKernels(device.isa);
  const int64_t blocks = (problem.v + kExplainTile - 1) / kExplainTile;
  std::vector<float> panels(kExplainTile * problem.d);
  std::vector<LogSum> rows(blocks * kExplainTile);
  for (int64_t first = 0; first < problem.f; first += kExplainTile) {
    const int64_t features = std::min(kExplainTile, problem.f - first);
    packTile(device, problem, first, features, panels.data());
    device.pool.run(blocks, [&](int64_t block) {
      const int64_t w = block * kExplainTile;
      kernels.statistics({panels.data(), features, problem.words + w * problem.d,
                          std::min(kExplainTile, problem.v - w), problem.d},
                         problem.alpha, problem.beta, rows.data() + block * kExplainTile, columns + w);
    });
    for (int64_t c = 0; c < features; ++c) {
      LogSum total = rows[c];
      for (int64_t block = 1; block < blocks; ++block) merge(total, rows[block * kExplainTile + c]);
      rowLogSumExp[first + c] = total.max + logOf(total.sum);
    }
  }
}

void explainTop(Device& device, const ExplainProblem& problem, const ExplainRanking& ranking,
                const double* rowLogSumExp, const LogSum* columns, const ExplainBest& best) {
  const ExplainKernels& kernels = explainKernels(device.isa);
  std::vector<double> columnLogSumExp(problem.v);
  for (int64_t w = 0; w < problem.v; ++w) columnLogSumExp[w] = columns[w].max + logOf(columns[w].sum);
  device.pool.run((problem.f + kTopFeatures - 1) / kTopFeatures, [&](int64_t task) {
    const int64_t first = task * kTopFeatures;
    kernels.top(problem, ranking,
                {first, std::min(kTopFeatures, problem.f - first), rowLogSumExp, columnLogSumExp.data()},
                best);
  });
}

const ExplainKernels& explainKernels(Isa isa) {
#ifndef COX_PORTABLE_ONLY
  if (isa == Isa::kAvx512) return kExplainAvx512;
  if (isa == Isa::kAvx2) return kExplainAvx2;
#else
  (void)isa;
#endif
  return kExplainPortable;
}

}  // namespace coxswain::cpu
