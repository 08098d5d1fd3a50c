// The device's order keys are the CPU's, bit for bit.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "common/order.cuh"
#include "cpu/order.h"

namespace {

std::vector<float> scores() {
  using Limits = std::numeric_limits<float>;
  std::vector<float> values = {0.0f,
                               -0.0f,
                               1.0f,
                               -1.0f,
                               Limits::denorm_min(),
                               -Limits::denorm_min(),
                               Limits::min(),
                               Limits::max(),
                               Limits::lowest(),
                               Limits::infinity(),
                               -Limits::infinity(),
                               Limits::quiet_NaN()};
  std::mt19937 random(20261124);
  for (int i = 0; i < 2000; ++i) values.push_back(coxswain::bitsFloat(static_cast<uint32_t>(random())));
  return values;
}

TEST(DeviceOrder, HasTheKeysOfTheCpu) {
  for (float score : scores()) {
    for (uint32_t index : {0u, 1u, 77u, 0x7fffffffu}) {
      ASSERT_EQ(coxswain::cpu::orderKey(score, index), coxswain::orderKey(score, index)) << score;
    }
  }
}

TEST(DeviceOrder, GivesBackScoreAndIndex) {
  for (float score : scores()) {
    uint64_t key = coxswain::orderKey(score, 12345u);
    if (std::isnan(score)) {
      ASSERT_EQ(coxswain::kNoKey, key);
      continue;
    }
    ASSERT_EQ(std::min(score, coxswain::kLargestFinite), coxswain::keyScore(key));
    ASSERT_EQ(12345u, coxswain::keyIndex(key));
  }
}

TEST(DeviceOrder, PutsLargerFirstThenLowerIndex) {
  EXPECT_GT(coxswain::orderKey(2.0f, 9), coxswain::orderKey(1.0f, 0));
  EXPECT_GT(coxswain::orderKey(1.0f, 3), coxswain::orderKey(1.0f, 4));
  EXPECT_GT(coxswain::orderKey(-0.0f, 3), coxswain::orderKey(0.0f, 4));
  EXPECT_GT(coxswain::orderKey(-std::numeric_limits<float>::infinity(), 4), coxswain::kNoKey);
}

}  // namespace
