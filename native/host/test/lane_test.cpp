// The hot path: passes, blocks, plans, statistics.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include "host_fixture.h"

namespace coxswain::host::test {
namespace {

using coxswain::sized;

class LaneTest : public HostTest {
 protected:
  coxswain::Lane lane{engine()};
};

double widened(uint16_t bits, int dtype) {
  if (dtype == COX_BF16) {
    uint32_t word = uint32_t{bits} << 16;
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
  }
  double magnitude =
      std::ldexp((bits & 0x3FF) + ((bits & 0x7C00) != 0 ? 1024 : 0), std::max((bits >> 10 & 31), 1) - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

TEST_F(LaneTest, ShouldLeaveRowsWithoutAPlanBitForBit) {
  coxswain::Plan plan = add(3, 2);
  std::vector<float> x = randomRows(6, kWidth, seed());
  x[0] = -0.0f;
  x[1] = std::numeric_limits<float>::denorm_min();
  std::vector<float> y = x;
  lane.begin({row(1, nullptr, 4), row(2, plan.get(), 4), row(3, nullptr, 9), row(4, plan.get(), 2),
              row(5, nullptr, 0), row(6, plan.get(), 1)});
  ASSERT_TRUE(lane.layer(block(y.data(), 6)));
  lane.end();
  std::vector<float> steered = added(x, weights(), 3, 2);
  for (size_t i = 0; i < 6; ++i) {
    std::vector<float> wanted = rowOf(i % 2 == 0 ? x : steered, i);
    EXPECT_EQ(0, memcmp(wanted.data(), &y[i * kWidth], kWidth * sizeof(float))) << "row " << i;
  }
}

TEST_F(LaneTest, ShouldSteerEachRowByItsOwnPlan) {
  std::vector<coxswain::Plan> plans;
  for (int p = 0; p < 12; ++p) plans.push_back(add(p, 4));
  std::vector<cox_row> rows;
  for (int i = 0; i < 60; ++i) rows.push_back(row(i, plans[(i * 7) % 12].get(), 3 + i));
  std::vector<float> x = randomRows(60, kWidth, seed());
  std::vector<float> y = x;
  lane.begin(rows);
  ASSERT_TRUE(lane.layer(block(y.data(), 60)));
  lane.end();
  for (int i = 0; i < 60; ++i)
    EXPECT_EQ(rowOf(added(x, weights(), (i * 7) % 12, 4), i), rowOf(y, i)) << "row " << i;
}

TEST_F(LaneTest, ShouldAskForAPlansLayerAlone) {
  coxswain::Plan plan = add(3, 2);
  coxswain::Plan later(engine(), sae(), 130, addPlan(4, 2));
  EXPECT_FALSE(lane.wants(kLayer));
  lane.begin({row(1, plan.get(), 1), row(2, later.get(), 1)});
  for (int layer = -1; layer <= COX_MAX_LAYERS; ++layer) {
    EXPECT_EQ(layer == kLayer || layer == 130, lane.wants(layer)) << "layer " << layer;
  }
  std::vector<float> x = randomRows(2, kWidth, seed());
  std::vector<float> y = x;
  ASSERT_TRUE(lane.layer(block(y.data(), 2, kWidth, 6)));
  EXPECT_EQ(x, y);
  ASSERT_TRUE(lane.layer(block(y.data(), 2, kWidth, 130)));
  EXPECT_EQ(rowOf(x, 0), rowOf(y, 0));
  EXPECT_EQ(rowOf(added(x, weights(), 4, 2), 1), rowOf(y, 1));
  lane.end();
  EXPECT_FALSE(lane.wants(kLayer));
  EXPECT_EQ(0, cox_wants(nullptr, kLayer));
}

TEST_F(LaneTest, ShouldRunTheCombinedPlansOfARowAtTheirLayers) {
  cox_plan* combined = nullptr;
  {
    coxswain::Plan first = add(3, 2);
    coxswain::Plan second = add(4, 2, R"("positions":"prompt",)");
    coxswain::Plan later(engine(), sae(), 9, addPlan(5, 2));
    cox_plan* parts[] = {first.get(), second.get(), later.get()};
    ASSERT_EQ(COX_OK, cox_plan_combine(engine().get(), parts, 3, &combined)) << cox_last_error();
    EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "one part or more",
                     cox_plan_combine(engine().get(), parts, 0, &parts[0]));
  }
  auto info = sized<cox_plan_info>();
  ASSERT_EQ(COX_OK, cox_plan_describe(combined, &info));
  EXPECT_EQ(uint64_t{1} << kLayer | uint64_t{1} << 9, info.layer_mask[0]);
  coxswain::Plan other = add(6, 2);
  std::vector<float> x = randomRows(3, kWidth, seed());
  std::vector<float> y = x;
  lane.begin({row(1, combined, 1, COX_ROW_PROMPT), row(1, combined, 2), row(2, other.get(), 1)});
  ASSERT_TRUE(lane.layer(block(y.data(), 3)));
  std::vector<float> first = added(x, weights(), 3, 2);
  EXPECT_EQ(rowOf(added(first, weights(), 4, 2), 0), rowOf(y, 0));
  EXPECT_EQ(rowOf(first, 1), rowOf(y, 1));
  EXPECT_EQ(rowOf(added(x, weights(), 6, 2), 2), rowOf(y, 2));
  y = x;
  ASSERT_TRUE(lane.layer(block(y.data(), 3, kWidth, 9)));
  EXPECT_EQ(rowOf(added(x, weights(), 5, 2), 0), rowOf(y, 0));
  EXPECT_EQ(rowOf(added(x, weights(), 5, 2), 1), rowOf(y, 1));
  EXPECT_EQ(rowOf(x, 2), rowOf(y, 2));
  lane.end();
  EXPECT_EQ(COX_OK, cox_plan_release(combined));
}

TEST_F(LaneTest, ShouldFollowTheRowIndexOfABlockInPieces) {
  coxswain::Plan plan = add(3, 2);
  coxswain::Plan other = add(5, 4);
  lane.begin({row(1, plan.get(), 1), row(2, nullptr, 1), row(3, other.get(), 1), row(4, plan.get(), 2)});
  std::vector<float> x = randomRows(2, kWidth, seed());
  std::vector<float> y = x;
  const int32_t first[] = {3, 1};
  cox_block piece = block(y.data(), 2);
  piece.row_index = first;
  ASSERT_TRUE(lane.layer(piece));
  EXPECT_EQ(rowOf(added(x, weights(), 3, 2), 0), rowOf(y, 0));
  EXPECT_EQ(rowOf(x, 1), rowOf(y, 1));
  const int32_t second[] = {2, 0};
  y = x;
  piece.row_index = second;
  ASSERT_TRUE(lane.layer(piece));
  lane.end();
  EXPECT_EQ(rowOf(added(x, weights(), 5, 4), 0), rowOf(y, 0));
  EXPECT_EQ(rowOf(added(x, weights(), 3, 2), 1), rowOf(y, 1));
}

TEST_F(LaneTest, ShouldSteerHalfPrecisionInPlace) {
  // Written by bits: 1.0 and -2.0 as F16 and as BF16.
  const uint16_t ones[] = {0x3C00, 0x3F80};
  const uint16_t minusTwos[] = {0xC000, 0xC000};
  coxswain::Plan plan(engine(), sae(), kLayer, R"({"rules":[{"op":"add","features":[3],"strength":0.5}]})");
  for (int dtype : {COX_F16, COX_BF16}) {
    std::vector<uint16_t> x(2 * kWidth, ones[dtype - 1]);
    std::fill(x.begin() + kWidth, x.end(), minusTwos[dtype - 1]);
    std::vector<uint16_t> y = x;
    lane.begin({row(1, plan.get(), 1), row(2, nullptr, 1)});
    cox_block half = block(nullptr, 2);
    half.dtype = dtype;
    half.data = y.data();
    ASSERT_TRUE(lane.layer(half));
    lane.end();
    EXPECT_EQ(0, memcmp(&x[kWidth], &y[kWidth], kWidth * sizeof(uint16_t)));
    for (int e = 0; e < kWidth; ++e) {
      double wanted = 1 + 0.5 * double{weights().row(3)[e]};
      EXPECT_NEAR(wanted, widened(y[e], dtype), std::fabs(wanted) / (dtype == COX_F16 ? 2048 : 256) + 1e-6)
          << e;
    }
  }
}

TEST_F(LaneTest, ShouldTakeHundredsOfPlansInAPass) {
  std::vector<coxswain::Plan> plans;
  for (int p = 0; p < 300; ++p) plans.push_back(add(p % kFeatures, 2));
  std::vector<cox_row> rows;
  for (int i = 0; i < 300; ++i) rows.push_back(row(i, plans[i].get(), 1));
  std::vector<float> x = randomRows(300, kWidth, seed());
  std::vector<float> y = x;
  lane.begin(rows);
  ASSERT_TRUE(lane.layer(block(y.data(), 300)));
  lane.end();
  for (int i = 0; i < 300; ++i)
    EXPECT_EQ(rowOf(added(x, weights(), i % kFeatures, 2), i), rowOf(y, i)) << "row " << i;
}

TEST_F(LaneTest, ShouldAcceptEmptyPassesAndBlocks) {
  coxswain::Plan plan = add(3, 2);
  lane.begin({});
  EXPECT_TRUE(lane.layer(block(nullptr, 0)));
  lane.end();
  lane.begin({row(1, plan.get(), 1)});
  EXPECT_TRUE(lane.layer(block(nullptr, 0)));
  lane.end();
  EXPECT_EQ(0u, lane.describe().steered);
}

TEST_F(LaneTest, ShouldRespectTheRowStride) {
  coxswain::Plan plan = add(3, 2);
  constexpr int kStride = kWidth + 5;
  std::vector<float> x = randomRows(3, kStride, seed());
  std::vector<float> y = x;
  lane.begin({row(1, plan.get(), 1), row(2, plan.get(), 2), row(3, plan.get(), 3)});
  cox_block strided = block(y.data(), 3);
  strided.row_stride = kStride * sizeof(float);
  ASSERT_TRUE(lane.layer(strided));
  lane.end();
  for (size_t i = 0; i < 3; ++i) {
    std::vector<float> own(x.begin() + static_cast<long>(i) * kStride,
                           x.begin() + static_cast<long>(i) * kStride + kWidth);
    std::vector<float> wanted = added(own, weights(), 3, 2);
    EXPECT_EQ(0, memcmp(wanted.data(), &y[i * kStride], kWidth * sizeof(float))) << "row " << i;
    EXPECT_EQ(0, memcmp(&x[i * kStride + kWidth], &y[i * kStride + kWidth], 5 * sizeof(float)))
        << "row " << i;
  }
}

TEST_F(LaneTest, ShouldChooseRowsByPositionAndFlags) {
  coxswain::Plan generated = add(3, 2, R"("positions":"generated",)");
  std::vector<cox_row> rows = {row(1, generated.get(), 0, COX_ROW_BOS | COX_ROW_PROMPT),
                               row(1, generated.get(), 1, COX_ROW_PROMPT | COX_ROW_USER),
                               row(1, generated.get(), 2, COX_ROW_REPLY | COX_ROW_GENERATED | COX_ROW_LAST),
                               row(1, generated.get(), 3, COX_ROW_GENERATED | COX_ROW_PAD)};
  std::vector<float> x = randomRows(4, kWidth, seed());
  std::vector<float> y = x;
  lane.begin(rows);
  ASSERT_TRUE(lane.layer(block(y.data(), 4)));
  lane.end();
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(rowOf(i == 2 ? added(x, weights(), 3, 2) : x, i), rowOf(y, i)) << "row " << i;
  }
}

TEST_F(LaneTest, ShouldCountWhatItDid) {
  coxswain::Plan plan = add(3, 2);
  std::vector<float> x = randomRows(3, kWidth, seed());
  x[kWidth] = std::nanf("");
  lane.begin({row(1, plan.get(), 1), row(2, plan.get(), 2), row(3, nullptr, 3)});
  ASSERT_TRUE(lane.layer(block(x.data(), 3)));
  lane.end();
  lane.begin({});
  lane.end(true);
  cox_lane_statistics counts = lane.describe();
  EXPECT_EQ(2u, counts.passes);
  EXPECT_EQ(1u, counts.dropped);
  EXPECT_EQ(1u, counts.calls);
  EXPECT_EQ(3u, counts.rows);
  EXPECT_EQ(1u, counts.steered);
  EXPECT_EQ(1u, counts.non_finite);
  EXPECT_EQ(0u, counts.failed);
  EXPECT_GT(counts.ns_total, 0u);
  EXPECT_EQ(counts.ns_total, counts.ns_max);
  EXPECT_NEAR(static_cast<double>(counts.ns_max), static_cast<double>(counts.ns_p50), 0.01 * counts.ns_max);
}

TEST_F(LaneTest, ShouldKeepAPlanThatIsReleasedDuringAPass) {
  auto plan = std::make_unique<coxswain::Plan>(add(3, 2));
  std::vector<float> x = randomRows(1, kWidth, seed());
  std::vector<float> y = x;
  lane.begin({row(1, plan->get(), 1)});
  plan.reset();
  ASSERT_TRUE(lane.layer(block(y.data(), 1)));
  lane.end();
  EXPECT_EQ(added(x, weights(), 3, 2), y);
}

// 20,000 passes once everything has its size: not one byte of Java heap.
TEST_F(LaneTest, ShouldAllocateNothingOnTheHotPath) {
  std::vector<coxswain::Plan> plans;
  for (int p = 0; p < 3; ++p)
    plans.push_back(coxswain::Plan(engine(), sae(), kLayer,
                                   R"({"rules":[{"op":"amplify","features":[1,2,3,4],"alpha":1.5}]})"));
  const std::vector<float> x = randomRows(4, kWidth, seed());
  std::vector<float> y = x;
  const int32_t index[] = {3, 2, 1, 0};
  auto pass = [&](int i) {
    cox_row rows[] = {row(1, plans[0].get(), i), row(2, plans[1].get(), i), row(3, nullptr, i),
                      row(4, plans[2].get(), i)};
    y = x;
    coxswain::check(cox_begin(lane.get(), rows, 4));
    cox_block all = block(y.data(), 4);
    if (i % 2 == 0) all.row_index = index;
    coxswain::check(cox_layer(lane.get(), &all));
    coxswain::check(cox_end(lane.get(), 0));
  };
  auto bytesOf = [&](int passes) {
    uint64_t before = lane.describe().java_bytes;
    for (int i = 1; i <= passes; ++i) pass(i);
    return lane.describe().java_bytes - before;
  };
  bytesOf(60000);  // the compilers' own work ends before
  uint64_t ofDescribing = bytesOf(0);
  EXPECT_EQ(ofDescribing, bytesOf(20000));
  EXPECT_GT(lane.describe().steered, 100000u);
}

}  // namespace
}  // namespace coxswain::host::test
