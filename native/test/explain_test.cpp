// exp, log and the panel dots of the explanation against libm and the canonical dot.
#include "cpu/explain.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>

#include "cpu/dot.h"
#include "cpu/explain_kernels.h"
#include "cpu/vec_portable.h"

using namespace coxswain::cpu;

TEST(ExplainMath, shouldAgreeWithLibm) {
  for (double x = -707.9; x <= 1.0; x += 0.0371) EXPECT_NEAR(1.0, expOf(x) / std::exp(x), 1e-15) << x;
  EXPECT_EQ(1.0, expOf(0.0));
  EXPECT_EQ(0.0, expOf(-709.0));
  EXPECT_EQ(0.0, expOf(-INFINITY));
  for (double x = 1.0; x < 1e12; x *= 1.00371) {
    EXPECT_NEAR(std::log(x), logOf(x), 1e-15 * std::max(1.0, std::log(x))) << x;
  }
  EXPECT_EQ(0.0, logOf(1.0));
}

TEST(ExplainDots, shouldBeTheCanonicalDotOfEveryPairAndStayInsideTheirRows) {
  std::mt19937_64 engine(std::random_device{}());
  std::normal_distribution<float> normal;
  for (int64_t d : {1, 7, 8, 9, 255, 256, 257, 576}) {
    const int64_t features = 30, words = 5;
    auto u = std::make_unique<float[]>(features * d), e = std::make_unique<float[]>(words * d);
    for (int64_t i = 0; i < features * d; ++i) u[i] = normal(engine);
    for (int64_t i = 0; i < words * d; ++i) e[i] = normal(engine);
    auto panels = std::make_unique<float[]>(32 * d);
    packPanel(u.get(), features, d, panels.get());
    packPanel(u.get() + 16 * d, features - 16, d, panels.get() + 16 * d);
    auto out = std::make_unique<float[]>(words * 32);
    panelDots<VecPortable>(panels.get(), 2, e.get(), words, d, out.get(), 32);
    for (int64_t w = 0; w < words; ++w) {
      for (int64_t c = 0; c < 32; ++c) {
        const float expected = c < features ? dot<VecPortable>(u.get() + c * d, e.get() + w * d, d) : 0.0f;
        EXPECT_EQ(expected, out[w * 32 + c]) << "d " << d << " word " << w << " feature " << c;
      }
    }
  }
}

TEST(Explain, shouldGiveTheSameBitsOnEveryInstructionSet) {
  std::mt19937_64 engine(std::random_device{}());
  std::normal_distribution<float> normal;
  for (int64_t f : {1, 130, 200}) {
    const int64_t v = 141, d = 67, top = 9;
    auto u = std::make_unique<float[]>(f * d), e = std::make_unique<float[]>(v * d);
    for (int64_t i = 0; i < f * d; ++i) u[i] = normal(engine);
    for (int64_t i = 0; i < v * d; ++i) e[i] = normal(engine);
    std::vector<double> firstScores;
    std::vector<int32_t> firstWords;
    for (Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
      if (!isaSupported(isa)) continue;
      Device device(2, isa);
      const ExplainProblem problem{u.get(), f, e.get(), v, d, 1.0, 2.0};
      auto rows = std::make_unique<double[]>(f);
      std::vector<LogSum> columns(v, {-INFINITY, 0.0});
      explainStatistics(device, problem, rows.get(), columns.data());
      std::vector<int32_t> words(f * top);
      std::vector<double> scores(f * top), given(f * top), logs(f * top);
      explainTop(device, problem, {std::log(static_cast<double>(f)), top}, rows.get(), columns.data(),
                 {words.data(), scores.data(), given.data(), logs.data()});
      if (firstWords.empty()) {
        firstWords = words;
        firstScores = scores;
      } else {
        EXPECT_EQ(firstWords, words) << isaName(isa);
        EXPECT_EQ(firstScores, scores) << isaName(isa);
      }
    }
  }
}
