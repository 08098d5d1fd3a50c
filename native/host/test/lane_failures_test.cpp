// What a lane refuses, and what is left of a pass whose layer fails.
#include <thread>

#include "host_fixture.h"

namespace coxswain::host::test {
namespace {

using coxswain::sized;

class LaneFailuresTest : public HostTest {
 protected:
  coxswain::Lane lane{engine()};
};

TEST_F(LaneFailuresTest, ShouldRefuseABlockThatCannotBe) {
  coxswain::Plan plan = add(3, 2);
  std::vector<float> x = randomRows(2, kWidth, seed());
  auto refused = [&](int status, const char* text, auto&& change) {
    lane.begin({row(1, plan.get(), 1), row(2, plan.get(), 2)});
    cox_block wrong = block(x.data(), 2);
    change(wrong);
    EXPECT_COX_ERROR(status, text, cox_layer(lane.get(), &wrong));
    lane.end();
  };
  refused(COX_ERROR_SIZE, "cox_block.size is 1", [](cox_block& b) { b.size = 1; });
  refused(COX_ERROR_ARGUMENT, "layer -1", [](cox_block& b) { b.layer = -1; });
  refused(COX_ERROR_ARGUMENT, "block.dtype 3", [](cox_block& b) { b.dtype = 3; });
  refused(COX_ERROR_ARGUMENT, "block.space is COX_CUDA, but the engine computes on the CPU",
          [](cox_block& b) { b.space = COX_CUDA; });
  refused(COX_ERROR_ARGUMENT, "block.space 2", [](cox_block& b) { b.space = 2; });
  refused(COX_ERROR_ARGUMENT, "block.data is NULL", [](cox_block& b) { b.data = nullptr; });
  refused(COX_ERROR_ARGUMENT, "not aligned", [](cox_block& b) { b.data = static_cast<char*>(b.data) + 2; });
  refused(COX_ERROR_ARGUMENT, "block.rows is -1", [](cox_block& b) { b.rows = -1; });
  refused(COX_ERROR_ARGUMENT, "block.rows is 3, but the pass has 2", [](cox_block& b) { b.rows = 3; });
  refused(COX_ERROR_ARGUMENT, "block.width is 0", [](cox_block& b) { b.width = 0; });
  refused(COX_ERROR_ARGUMENT, "block.row_stride is 188; a multiple of 4 from 192",
          [](cox_block& b) { b.row_stride = 188; });
  refused(COX_ERROR_ARGUMENT, "block.row_stride is 194", [](cox_block& b) { b.row_stride = 194; });
  refused(COX_ERROR_DATA, "the block's rows have 47 elements, the plan at layer 7 steers rows of 48",
          [](cox_block& b) { b.width = 47; });
  static const int32_t outside[] = {0, 2};
  refused(COX_ERROR_ARGUMENT, "block.row_index[1] is 2", [](cox_block& b) { b.row_index = outside; });
  EXPECT_COX_ERROR(COX_ERROR_STATE, "call cox_begin first", cox_layer(lane.get(), nullptr));
  EXPECT_COX_ERROR(COX_ERROR_STATE, "cox_end outside of a pass", cox_end(lane.get(), 0));
}

TEST_F(LaneFailuresTest, ShouldDropThePassAfterAnErrorUntilTheNextBegins) {
  coxswain::Plan plan = add(3, 2);
  std::vector<float> x = randomRows(1, kWidth, seed());
  std::vector<float> y = x;
  lane.begin({row(1, plan.get(), 1)});
  cox_block wrong = block(y.data(), 1, kWidth - 1);
  EXPECT_EQ(COX_ERROR_DATA, cox_layer(lane.get(), &wrong));
  cox_block good = block(y.data(), 1);
  EXPECT_COX_ERROR(COX_ERROR_DROPPED, "the pass was dropped", cox_layer(lane.get(), &good));
  EXPECT_EQ(COX_OK, cox_end(lane.get(), 0));
  lane.begin({row(1, plan.get(), 1)});
  EXPECT_EQ(COX_OK, cox_layer(lane.get(), &good));
  lane.end();
  EXPECT_EQ(added(x, weights(), 3, 2), y);
  EXPECT_EQ(1u, lane.describe().dropped);
  EXPECT_EQ(1u, lane.describe().failed);
}

TEST_F(LaneFailuresTest, ShouldRefuseAPlanThatWasReleased) {
  coxswain::Plan kept = add(4, 2);
  cox_plan* released = nullptr;
  {
    coxswain::Plan plan = add(3, 2);
    released = plan.get();
  }
  cox_row rows[] = {row(1, kept.get(), 1), row(2, released, 1)};
  EXPECT_COX_ERROR(COX_ERROR_RELEASED, "the plan of row 1 was released", cox_begin(lane.get(), rows, 2));
  EXPECT_EQ(0, cox_wants(lane.get(), kLayer));
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "rows is NULL", cox_begin(lane.get(), nullptr, 2));
  rows[1].reserved = 9;
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "row 1 has reserved 9", cox_begin(lane.get(), rows, 2));
}

TEST_F(LaneFailuresTest, ShouldBelongToItsThread) {
  int begun = COX_OK;
  int closed = COX_OK;
  std::thread([&] {
    begun = cox_begin(lane.get(), nullptr, 0);
    closed = cox_lane_close(lane.get());
  }).join();
  EXPECT_EQ(COX_ERROR_THREAD, begun);
  EXPECT_EQ(COX_ERROR_THREAD, closed);
}

TEST_F(LaneFailuresTest, ShouldTakeThePlansOfItsOwnEngineOnly) {
  coxswain::Engine other;
  coxswain::Sae otherSae(other, (scratch() / "sae").string());
  coxswain::Plan foreign(other, otherSae, kLayer, addPlan(1, 2));
  cox_row rows[] = {row(1, foreign.get(), 1)};
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "belongs to another engine", cox_begin(lane.get(), rows, 1));
}

TEST_F(LaneFailuresTest, ShouldPutRowsBackWhenItFailsOpen) {
  auto options = sized<cox_engine_options>();
  options.threads = 1;
  options.fail_policy = COX_FAIL_OPEN;
  coxswain::Engine open(options);
  writeSae(scratch() / "narrow", kWidth / 2, kFeatures, seed() + 1);
  coxswain::Sae wide(open, (scratch() / "sae").string());
  coxswain::Sae narrow(open, (scratch() / "narrow").string());
  coxswain::Plan good(open, wide, kLayer, addPlan(3, 2));
  coxswain::Plan bad(open, narrow, kLayer, addPlan(3, 2));
  coxswain::Lane own(open);
  std::vector<float> x = randomRows(2, kWidth, seed());
  std::vector<float> y = x;
  // The good plan has changed its row by the time the bad one fails.
  own.begin({row(1, good.get(), 1), row(2, bad.get(), 1)});
  cox_block both = block(y.data(), 2);
  EXPECT_COX_ERROR(COX_PASSED_OPEN, "steers rows of 24", cox_layer(own.get(), &both));
  EXPECT_EQ(x, y);
  const int32_t goodRow[] = {0};
  own.begin({row(1, good.get(), 1)});
  cox_block one = block(y.data(), 1);
  one.row_index = goodRow;
  EXPECT_TRUE(own.layer(one));
  own.end();
  EXPECT_EQ(rowOf(added(x, weights(), 3, 2), 0), rowOf(y, 0));
  EXPECT_EQ(1u, own.describe().failed);
}

}  // namespace
}  // namespace coxswain::host::test
