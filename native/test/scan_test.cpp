// The search for active features against a full sort of every score.
#include "cpu/scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>
#include <random>
#include <vector>

#include "cpu/order.h"

using namespace coxswain::cpu;

namespace {

struct Problem {
  int64_t rows, d, features, limit;
  int distinct;  // feature f has the weights of feature f mod distinct; 0: all differ
  bool thresholds, subset;
};

struct Data {
  std::vector<float> x, w, b, theta;
  std::vector<int32_t> subset;
};

Data draw(const Problem& p, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  Data data;
  auto fill = [&](std::vector<float>& values, int64_t count) {
    values.resize(count);
    for (float& value : values) value = normal(engine);
  };
  fill(data.x, p.rows * p.d);
  fill(data.w, p.features * p.d);
  fill(data.b, p.features);
  fill(data.theta, p.features);
  if (p.distinct > 0) {
    for (int64_t f = p.distinct; f < p.features; ++f) {
      std::copy_n(&data.w[f % p.distinct * p.d], p.d, &data.w[f * p.d]);
      data.b[f] = data.b[f % p.distinct];
    }
  }
  for (int64_t f = 1; p.subset && f < p.features; f += 3) data.subset.push_back(static_cast<int32_t>(f));
  return data;
}

std::vector<uint64_t> sorted(const Problem& p, const Data& data, int64_t row) {
  std::vector<uint64_t> keys;
  for (int64_t f = 0; f < p.features; ++f) {
    if (p.subset && !std::binary_search(data.subset.begin(), data.subset.end(), f)) continue;
    float z;
    encodeKernels(Isa::kPortable)
        .score({data.w.data(), data.b.data(), nullptr, p.d}, f, f + 1, &data.x[row * p.d], 1, p.d, &z, 1);
    float least = p.thresholds ? std::max(data.theta[f], 0.0f) : 0.0f;
    if (z > least) keys.push_back(orderKey(z, static_cast<uint32_t>(f)));
  }
  std::sort(keys.begin(), keys.end(), std::greater<uint64_t>());
  if (static_cast<int64_t>(keys.size()) > p.limit) keys.resize(p.limit);
  return keys;
}

/** Every instruction set of this machine, without and with each screen it has. */
std::vector<std::pair<Isa, ScreenKind>> variants() {
  std::vector<std::pair<Isa, ScreenKind>> all;
  for (Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    if (!isaSupported(isa)) continue;
    all.emplace_back(isa, ScreenKind::kNone);
    all.emplace_back(isa, ScreenKind::kFloat32);
    if (bestScreen(isa) == ScreenKind::kBfloat16) all.emplace_back(isa, ScreenKind::kBfloat16);
  }
  return all;
}

void check(const Problem& p) {
  uint64_t seed = std::random_device{}();
  Data data = draw(p, seed);
  std::vector<std::vector<uint64_t>> expected;
  for (int64_t row = 0; row < p.rows; ++row) expected.push_back(sorted(p, data, row));
  for (const auto& [isa, screen] : variants()) {
    for (int threads : {1, 3}) {
      Device device(threads, isa);
      device.screen = screen;
      std::vector<std::vector<uint64_t>> found(p.rows);
      ScanCall call{data.x.data(),
                    p.rows,
                    p.d,
                    {data.w.data(), data.b.data(), p.subset ? data.subset.data() : nullptr, p.d},
                    p.subset ? static_cast<int64_t>(data.subset.size()) : p.features,
                    p.thresholds ? data.theta.data() : nullptr,
                    p.limit,
                    nullptr};
      scanFeatures(device, call, [&](int64_t row, const uint64_t* keys, int64_t count) {
        found[row].assign(keys, keys + count);
      });
      EXPECT_EQ(expected, found) << isaName(isa) << " screen " << static_cast<int>(screen) << " threads "
                                 << threads << " seed " << seed;
    }
  }
}

TEST(Scan, shouldFindTheTopKOfOneRow) { check({1, 130, 3000, 16, 0, false, false}); }
TEST(Scan, shouldFindTheTopKOfManyRows) { check({67, 130, 700, 16, 0, false, false}); }
TEST(Scan, shouldKeepTheLowestIndicesOfTies) { check({35, 33, 500, 20, 3, false, false}); }
TEST(Scan, shouldScoreInFullWhereTiesOutnumberTheScreensRoomInTheEnd) {
  check({35, 33, 256, 6, 5, false, false});
}
TEST(Scan, shouldFindTheTopKOfWideRows) { check({33, 1100, 300, 8, 0, false, false}); }
TEST(Scan, shouldFindAllPositiveScores) { check({35, 33, 500, 500, 0, false, false}); }
TEST(Scan, shouldObeyThresholds) { check({35, 65, 500, 500, 0, true, false}); }
TEST(Scan, shouldSearchASubsetAndNameItsFeatures) { check({40, 65, 900, 10, 0, false, true}); }
TEST(Scan, shouldSelectEveryFeatureWhereKEqualsF) { check({9, 20, 50, 50, 0, false, false}); }

TEST(Scan, shouldSkipRowsThatAreNotReadyWhateverTheyHold) {
  for (const auto& [isa, screen] : variants()) {
    Device device(2, isa);
    device.screen = screen;
    constexpr int64_t rows = 70, d = 30, features = 600, k = 4;
    std::vector<float> x(rows * d, 1.0f), w(features * d, 0.5f), b(features, 0.0f);
    std::vector<RowState> states(rows, RowState::kReady);
    for (int64_t f = 0; f < features; ++f) w[f * d] = static_cast<float>(f);
    b[599] = INFINITY;
    b[598] = NAN;
    for (int64_t row = 0; row < rows; row += 3) {
      states[row] = RowState::kNonFinite;
      std::fill_n(&x[row * d], d, row % 2 == 0 ? NAN : INFINITY);
    }
    ScanCall call{x.data(), rows, d, {w.data(), b.data(), nullptr, d}, features, nullptr, k, states.data()};
    std::vector<float> values(rows * k);
    std::vector<int32_t> indices(rows * k);
    topKFeatures(device, call, values.data(), indices.data());
    for (int64_t row = 0; row < rows; ++row) {
      std::vector<int32_t> expected = {599, 597, 596, 595};
      if (row % 3 == 0) expected.assign(k, -1);
      EXPECT_EQ(expected, std::vector<int32_t>(&indices[row * k], &indices[row * k] + k)) << isaName(isa);
    }
  }
}

TEST(TopK, shouldPadRowsThatAreNotReadyOrHaveFewFeatures) {
  Device device(2, bestIsa());
  std::vector<float> x = {1, -1, 1}, w = {1, 2}, b = {0, 0};
  std::vector<RowState> states = {RowState::kReady, RowState::kReady, RowState::kNonFinite};
  ScanCall call{x.data(), 3, 1, {w.data(), b.data(), nullptr, 1}, 2, nullptr, 2, states.data()};
  std::vector<float> values(6, 9);
  std::vector<int32_t> indices(6, 9);
  topKFeatures(device, call, values.data(), indices.data());
  EXPECT_EQ((std::vector<float>{2, 1, 0, 0, 0, 0}), values);
  EXPECT_EQ((std::vector<int32_t>{1, 0, -1, -1, -1, -1}), indices);
}

}  // namespace
