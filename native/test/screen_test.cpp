// The screen's bound: every canonical score must lie between the bounds that a tile reports.
#include "cpu/screen.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "cpu/aligned.h"
#include "cpu/encode_kernels.h"

using namespace coxswain::cpu;

namespace {

struct Variant {
  const char* name;
  const ScreenKernels* kernels;
};

std::vector<Variant> variants() {
  std::vector<Variant> all = {{"portable", &screenKernels(Isa::kPortable, ScreenKind::kFloat32)}};
  if (isaSupported(Isa::kAvx2)) all.push_back({"avx2", &screenKernels(Isa::kAvx2, ScreenKind::kFloat32)});
  if (isaSupported(Isa::kAvx512))
    all.push_back({"avx512", &screenKernels(Isa::kAvx512, ScreenKind::kFloat32)});
  if (bestScreen(bestIsa()) == ScreenKind::kBfloat16) {
    all.push_back({"avx512bf16", &screenKernels(Isa::kAvx512, ScreenKind::kBfloat16)});
  }
  return all;
}

/** One tile with every row open, and what it says of each (row, feature). */
struct Bounds {
  std::vector<float> upper, lower;  // [lanes, features]
  int64_t reported = 0;
};

Bounds bounds(const ScreenKernels& k, const std::vector<float>& x, const std::vector<float>& w,
              const std::vector<float>& b, int64_t d) {
  int64_t width = (d + k.group - 1) / k.group * k.group;
  AlignedBuffer panel(width * k.lanes * k.elementBytes);
  AlignedBuffer weights(k.tileFeatures * width * k.elementBytes);
  std::vector<ScreenNorms> rowNorms(k.lanes);
  k.pack(x.data(), d, k.lanes, d, panel.as<char>(), rowNorms.data());
  std::vector<float> wNorm, wError, theta(k.tileFeatures, -INFINITY), xBound, xNorm,
      least(k.lanes, -INFINITY);
  for (int f = 0; f < k.tileFeatures; ++f) {
    char* out = weights.as<char>(f * width * k.elementBytes);
    ScreenNorms norms = k.convert(&w[f * d], d, out);
    if (!k.convertsWeights) std::copy_n(&w[f * d], d, reinterpret_cast<float*>(out));
    wNorm.push_back(norms.norm);
    wError.push_back(norms.error);
  }
  for (const ScreenNorms& norms : rowNorms) {
    xBound.push_back(static_cast<float>(norms.error + screenBoundFactor(d) * norms.norm) * (1 + 0x1p-20f));
    xNorm.push_back(norms.norm + norms.error);
  }
  std::vector<float> uppers(k.lanes * k.tileFeatures), lowers(uppers);
  std::vector<int32_t> features(uppers.size());
  std::vector<ScreenRow> rows;
  for (int lane = 0; lane < k.lanes; ++lane) {
    int at = lane * k.tileFeatures;
    rows.push_back({&uppers[at], &lowers[at], &features[at], 0, 1 << 20, -INFINITY});
  }
  ScreenTile tile{weights.as<char>(),
                  static_cast<int64_t>(width * k.elementBytes),
                  d,
                  0,
                  k.tileFeatures,
                  b.data(),
                  wNorm.data(),
                  wError.data(),
                  theta.data(),
                  panel.as<char>(),
                  xBound.data(),
                  xNorm.data(),
                  least.data(),
                  rows.data()};
  EXPECT_FALSE(k.tile(tile));
  Bounds result{uppers, lowers, 0};
  for (int lane = 0; lane < k.lanes; ++lane) {
    for (int32_t i = 0; i < rows[lane].count; ++i) {
      int at = lane * k.tileFeatures;
      result.upper[at + features[at + i]] = uppers[at + i];
      result.lower[at + features[at + i]] = lowers[at + i];
      ++result.reported;
    }
  }
  return result;
}

/** How inputs are drawn; each stresses another term of the bound. */
enum class Kind { kNormal, kTinyWeights, kTinyBoth, kSubnormal, kHuge, kOutliers, kCancelling, kPositive };

float draw(std::mt19937_64& engine, Kind kind, bool weight, int64_t e) {
  std::normal_distribution<float> normal;
  float value = normal(engine);
  switch (kind) {
    case Kind::kNormal:
      return value;
    case Kind::kTinyWeights:
      return weight ? value * 1e-36f : value;
    case Kind::kTinyBoth:
      return value * 1e-22f;
    case Kind::kSubnormal:
      return value * 1e-40f;
    case Kind::kHuge:
      return value * 1e15f;
    case Kind::kOutliers:
      return e % 97 == 3 && !weight ? value * 1e4f : value;
    case Kind::kCancelling:
      return e % 2 == 0 ? 1.0f + value * 1e-3f : (weight ? -1.0f : 1.0f) + value * 1e-3f;
    case Kind::kPositive:
      return std::fabs(value) + 1.0f;
  }
  return value;
}

TEST(Screen, shouldBracketEveryCanonicalScore) {
  uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 engine(seed);
  for (const Variant& variant : variants()) {
    const ScreenKernels& k = *variant.kernels;
    for (int64_t d : {1, 2, 15, 33, 256, 577, 2000}) {
      for (int kind = 0; kind <= static_cast<int>(Kind::kPositive); ++kind) {
        std::vector<float> x(k.lanes * d), w(k.tileFeatures * d), b(k.tileFeatures);
        for (size_t i = 0; i < x.size(); ++i) x[i] = draw(engine, static_cast<Kind>(kind), false, i % d);
        for (size_t i = 0; i < w.size(); ++i) w[i] = draw(engine, static_cast<Kind>(kind), true, i % d);
        for (float& value : b)
          value = std::normal_distribution<float>()(engine) * (kind == 3 ? 1e-40f : 1.0f);
        Bounds result = bounds(k, x, w, b, d);
        ASSERT_EQ(k.lanes * k.tileFeatures, result.reported) << variant.name;
        for (int lane = 0; lane < k.lanes; ++lane) {
          for (int f = 0; f < k.tileFeatures; ++f) {
            float z;
            encodeKernels(Isa::kPortable)
                .score({w.data(), b.data(), nullptr, d}, f, f + 1, &x[lane * d], 1, d, &z, 1);
            float upper = result.upper[lane * k.tileFeatures + f];
            float lower = result.lower[lane * k.tileFeatures + f];
            ASSERT_TRUE(lower <= z && z <= upper) << variant.name << " d " << d << " kind " << kind << ": "
                                                  << lower << " " << z << " " << upper;
          }
        }
      }
    }
  }
}

TEST(Screen, shouldBeNarrowEnoughToSelect) {
  std::mt19937_64 engine(5);
  constexpr int64_t d = 576;
  for (const Variant& variant : variants()) {
    const ScreenKernels& k = *variant.kernels;
    std::vector<float> x(k.lanes * d), w(k.tileFeatures * d), b(k.tileFeatures);
    for (float& value : x) value = draw(engine, Kind::kNormal, false, 0);
    for (float& value : w) value = draw(engine, Kind::kNormal, true, 0);
    Bounds result = bounds(k, x, w, b, d);
    float widest = 0;
    for (size_t i = 0; i < result.upper.size(); ++i) {
      widest = std::max(widest, result.upper[i] - result.lower[i]);
    }
    // A score's spread is √d = 24.
    EXPECT_LT(widest, k.convertsWeights ? 5.0f : 0.3f) << variant.name;
  }
}

TEST(Tighten, shouldKeepWhatCanStillBeAmongTheBest) {
  uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 engine(seed);
  for (const Variant& variant : variants()) {
    for (int32_t count : {1, 5, 16, 100, 333}) {
      for (int64_t limit : {1, 4, 32, 99}) {
        std::vector<float> lower(count), upper(count), score(count);
        std::vector<int32_t> feature(count);
        for (int32_t i = 0; i < count; ++i) {
          score[i] = static_cast<float>(engine() % 50) - 10;
          lower[i] = score[i] - (engine() % 100) * 0.01f;
          upper[i] = score[i] + (engine() % 100) * 0.01f;
          feature[i] = i;
        }
        std::vector<float> best = score;
        std::sort(best.begin(), best.end(), std::greater<float>());
        float kth = count < limit ? -INFINITY : best[limit - 1];
        ScreenRow row{upper.data(), lower.data(), feature.data(), count, 1 << 20, -INFINITY};
        variant.kernels->tighten(row, limit);
        EXPECT_LE(row.least, kth);
        std::vector<bool> kept(count);
        for (int32_t i = 0; i < row.count; ++i) kept[feature[i]] = true;
        for (int32_t i = 0; i < count; ++i) EXPECT_TRUE(kept[i] || score[i] < kth) << variant.name;
        if (count == 333 && limit == 4) {
          EXPECT_LT(row.count, 100) << variant.name;
        }
      }
    }
  }
}

TEST(Screen, shouldScoreInFullWhereNormsAreBeyondItsBound) {
  Device device(2, bestIsa());
  constexpr int64_t rows = 40, d = 20, features = 300, k = 5;
  std::vector<float> x(rows * d, 1e20f), w(features * d, 1.0f), b(features, 0.0f);
  std::fill_n(x.begin(), 10 * d, 1.0f);
  w[17 * d] = 3.0f;
  ScanCall call{x.data(), rows, d, {w.data(), b.data(), nullptr, d}, features, nullptr, k, nullptr};
  std::vector<float> values(rows * k);
  std::vector<int32_t> indices(rows * k);
  EXPECT_EQ(40, topKFeatures(device, call, values.data(), indices.data())) << "ties too are scored in full";
  for (int64_t row = 0; row < rows; ++row) {
    EXPECT_EQ((std::vector<int32_t>{17, 0, 1, 2, 3}),
              std::vector<int32_t>(indices.begin() + row * k, indices.begin() + (row + 1) * k));
  }
}

}  // namespace
