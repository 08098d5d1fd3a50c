// Engines, SAEs and plans: their lives, and what is said where something is wrong.
#include <cstring>
#include <thread>

#include "host_fixture.h"

namespace coxswain::host::test {
namespace {

using coxswain::sized;

class EngineTest : public HostTest {};

TEST_F(EngineTest, ShouldDescribeTheSaeThatItLoaded) {
  cox_sae_info info = sae().describe();
  EXPECT_EQ(kWidth, info.width);
  EXPECT_EQ(kFeatures, info.features);
  EXPECT_EQ(kActive, info.k);
  EXPECT_EQ(kLayer, info.layer);
  EXPECT_EQ(12.5, info.mean_norm);
  EXPECT_EQ(std::string(64, 'a'), info.model_sha256);
}

TEST_F(EngineTest, ShouldSayWhichSaeIsMissing) {
  cox_sae* missing = nullptr;
  std::string path = (scratch() / "no-such-sae").string();
  EXPECT_COX_ERROR(COX_ERROR_FILE, path, cox_sae_load(engine().get(), path.c_str(), &missing));
  EXPECT_EQ(nullptr, missing);
}

TEST_F(EngineTest, ShouldWorkAfterAnError) {
  cox_sae* missing = nullptr;
  EXPECT_NE(COX_OK, cox_sae_load(engine().get(), "/no/such/sae", &missing));
  coxswain::Sae again(engine(), (scratch() / "sae").string());
  EXPECT_EQ(kWidth, again.describe().width);
}

TEST_F(EngineTest, ShouldRefuseNullPointers) {
  cox_sae* loaded = nullptr;
  cox_plan* compiled = nullptr;
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "the place for the engine is NULL", cox_engine_open(nullptr, nullptr));
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "the engine is NULL", cox_sae_load(nullptr, "x", &loaded));
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "the SAE's path is NULL",
                   cox_sae_load(engine().get(), nullptr, &loaded));
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "the place for the SAE", cox_sae_load(engine().get(), "x", nullptr));
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "cox_plan_options is NULL",
                   cox_plan_compile(engine().get(), nullptr, &compiled));
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "cox_sae_info is NULL", cox_sae_describe(sae().get(), nullptr));
  EXPECT_EQ(COX_OK, cox_sae_release(nullptr));
  EXPECT_EQ(COX_OK, cox_plan_release(nullptr));
  EXPECT_EQ(COX_OK, cox_engine_close(nullptr));
}

TEST_F(EngineTest, ShouldRefuseAStructOfAnotherSize) {
  cox_sae_info info{};
  EXPECT_COX_ERROR(COX_ERROR_SIZE, "cox_sae_info.size is 0; set it to sizeof(cox_sae_info)",
                   cox_sae_describe(sae().get(), &info));
  info.size = sizeof info - 8;
  EXPECT_EQ(COX_ERROR_SIZE, cox_sae_describe(sae().get(), &info));
  info.size = SIZE_MAX;
  EXPECT_EQ(COX_ERROR_SIZE, cox_sae_describe(sae().get(), &info));
}

// A caller of a later version: the part we do not know may be there, but must be unset.
struct LaterPlanOptions {
  cox_plan_options known;
  uint64_t later;
};

TEST_F(EngineTest, ShouldAcceptALaterStructWhoseNewFieldsAreUnset) {
  std::string json = addPlan(3, 2);
  LaterPlanOptions options{};
  options.known.size = sizeof options;
  options.known.json = json.c_str();
  options.known.sae = sae().get();
  cox_plan* plan = nullptr;
  ASSERT_EQ(COX_OK, cox_plan_compile(engine().get(), &options.known, &plan)) << cox_last_error();
  EXPECT_EQ(COX_OK, cox_plan_release(plan));
  options.later = 1;
  EXPECT_COX_ERROR(COX_ERROR_SIZE, "sets fields that version",
                   cox_plan_compile(engine().get(), &options.known, &plan));
}

TEST_F(EngineTest, ShouldNameThePlaceInAPlanThatIsWrong) {
  auto options = sized<cox_plan_options>();
  options.sae = sae().get();
  cox_plan* plan = nullptr;
  options.json = "{\"rules\": [";
  EXPECT_COX_ERROR(COX_ERROR_DATA, "plan", cox_plan_compile(engine().get(), &options, &plan));
  options.json = R"({"rules":[{"op":"add","features":[96],"strength":1}]})";
  EXPECT_COX_ERROR(COX_ERROR_DATA, "96", cox_plan_compile(engine().get(), &options, &plan));
  options.json = R"({"rules":[{"op":"jump","features":[1]}]})";
  EXPECT_COX_ERROR(COX_ERROR_DATA, "rules[0]", cox_plan_compile(engine().get(), &options, &plan));
  options.json = "{\"rules\":[],\"\xff\":1}";
  EXPECT_COX_ERROR(COX_ERROR_DATA, "not valid UTF-8", cox_plan_compile(engine().get(), &options, &plan));
  options.json = nullptr;
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "json is NULL", cox_plan_compile(engine().get(), &options, &plan));
}

TEST_F(EngineTest, ShouldRefuseALayerOutOfRange) {
  EXPECT_THROW(coxswain::Plan(engine(), sae(), -1, addPlan(1, 1)), coxswain::Error);
  EXPECT_THROW(coxswain::Plan(engine(), sae(), COX_MAX_LAYERS, addPlan(1, 1)), coxswain::Error);
  EXPECT_STREQ("layer 256 is not between 0 and 255", cox_last_error());
}

TEST_F(EngineTest, ShouldGiveEqualPlansEqualHashesAndTheLayerTheyNeed) {
  cox_plan_info a = add(3, 2).describe();
  cox_plan_info same = add(3, 2).describe();
  cox_plan_info other = add(4, 2).describe();
  cox_plan_info elsewhere = coxswain::Plan(engine(), sae(), 200, addPlan(3, 2)).describe();
  EXPECT_EQ(0, memcmp(a.hash, same.hash, COX_HASH_BYTES));
  EXPECT_NE(0, memcmp(a.hash, other.hash, COX_HASH_BYTES));
  EXPECT_NE(0, memcmp(a.hash, elsewhere.hash, COX_HASH_BYTES));
  EXPECT_EQ(uint64_t{1} << kLayer, a.layer_mask[0]);
  EXPECT_EQ(uint64_t{1} << (200 - 192), elsewhere.layer_mask[3]);
  EXPECT_EQ(kWidth, a.width);
}

TEST_F(EngineTest, ShouldCountAPlansReferences) {
  cox_plan* plan = nullptr;
  auto options = sized<cox_plan_options>();
  std::string json = addPlan(3, 2);
  options.json = json.c_str();
  options.sae = sae().get();
  ASSERT_EQ(COX_OK, cox_plan_compile(engine().get(), &options, &plan));
  EXPECT_EQ(COX_OK, cox_plan_retain(plan));
  EXPECT_EQ(COX_OK, cox_plan_release(plan));
  auto info = sized<cox_plan_info>();
  EXPECT_EQ(COX_OK, cox_plan_describe(plan, &info));
  EXPECT_EQ(COX_OK, cox_plan_release(plan));
  EXPECT_COX_ERROR(COX_ERROR_RELEASED, "the plan was released", cox_plan_release(plan));
  EXPECT_COX_ERROR(COX_ERROR_RELEASED, "the plan was released", cox_plan_describe(plan, &info));
}

TEST_F(EngineTest, ShouldKeepAPlanWhoseSaeWasReleased) {
  auto loaded = std::make_unique<coxswain::Sae>(engine(), (scratch() / "sae").string());
  coxswain::Plan plan(engine(), *loaded, kLayer, addPlan(3, 2));
  loaded.reset();
  coxswain::Lane lane(engine());
  std::vector<float> x = randomRows(1, kWidth, seed());
  std::vector<float> y = x;
  lane.begin({row(1, plan.get(), 5)});
  EXPECT_TRUE(lane.layer(block(y.data(), 1)));
  lane.end();
  EXPECT_EQ(added(x, weights(), 3, 2), y);
}

TEST_F(EngineTest, ShouldRefuseClosedHandles) {
  cox_engine* second = nullptr;
  ASSERT_EQ(COX_OK, cox_engine_open(nullptr, &second)) << cox_last_error();
  cox_sae* loaded = nullptr;
  ASSERT_EQ(COX_OK, cox_sae_load(second, (scratch() / "sae").c_str(), &loaded));
  cox_lane* lane = nullptr;
  ASSERT_EQ(COX_OK, cox_lane_open(second, &lane));
  EXPECT_COX_ERROR(COX_ERROR_STATE, "1 open lanes", cox_engine_close(second));
  EXPECT_EQ(COX_OK, cox_lane_close(lane));
  EXPECT_COX_ERROR(COX_ERROR_STATE, "the lane is closed", cox_lane_close(lane));
  EXPECT_COX_ERROR(COX_ERROR_STATE, "the lane is closed", cox_begin(lane, nullptr, 0));
  EXPECT_EQ(0, cox_wants(lane, kLayer));
  EXPECT_EQ(COX_OK, cox_engine_close(second));
  EXPECT_COX_ERROR(COX_ERROR_STATE, "the engine is closed", cox_engine_close(second));
  EXPECT_COX_ERROR(COX_ERROR_STATE, "the engine is closed", cox_lane_open(second, &lane));
  EXPECT_COX_ERROR(COX_ERROR_STATE, "the SAE is closed", cox_sae_release(loaded));
}

TEST_F(EngineTest, ShouldRefuseOptionsOutOfRange) {
  cox_engine* opened = nullptr;
  auto options = sized<cox_engine_options>();
  options.threads = -1;
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "threads is -1", cox_engine_open(&options, &opened));
  options.threads = 1 << 30;
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "threads", cox_engine_open(&options, &opened));
  options = sized<cox_engine_options>();
  options.fail_policy = 2;
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "fail_policy 2", cox_engine_open(&options, &opened));
  options = sized<cox_engine_options>();
  options.device = "gpu";
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "unknown device 'gpu'", cox_engine_open(&options, &opened));
  options.device = "cuda";
  EXPECT_COX_ERROR(COX_ERROR_DEVICE, "cuda", cox_engine_open(&options, &opened));
}

TEST_F(EngineTest, ShouldKeepErrorsOfThreadsApart) {
  cox_sae* missing = nullptr;
  EXPECT_NE(COX_OK, cox_sae_load(engine().get(), nullptr, &missing));
  std::string other = "unset";
  std::thread([&] { other = cox_last_error(); }).join();
  EXPECT_EQ("", other);
  EXPECT_STREQ("the SAE's path is NULL", cox_last_error());
}

}  // namespace
}  // namespace coxswain::host::test
