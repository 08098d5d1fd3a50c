// A host whose hidden states are in CUDA memory. Runs on whatever driver the process finds: in the tests the
// software one, which begins work on a stream as late as it may.
#include <cstring>
#include <memory>

#include "cuda_driver.h"
#include "host_fixture.h"

namespace coxswain::host::test {
namespace {

constexpr size_t kStride = 60 * sizeof(float);

const char* const kPlans[] = {
    R"({"rules":[{"op":"amplify","features":[3,5,9],"alpha":1.5},{"op":"clamp","features":[4],"value":2}]})",
    R"({"rules":[{"op":"enforce","features":[7,8,11],"value":3}],"when":{"features":[1,2,3,4,5,6],"threshold":0.2}})",
    R"({"rules":[{"op":"calibrate","features":[1,90],"beta":0.7},{"op":"add","features":[2],"strength":-2}]})"};

struct Device {
  explicit Device(const char* name) {
    auto options = coxswain::sized<cox_engine_options>();
    options.device = name;
    options.threads = 2;
    engine = std::make_unique<coxswain::Engine>(options);
    sae = std::make_unique<coxswain::Sae>(*engine, (scratch() / "sae").string());
    for (const char* json : kPlans) plans.emplace_back(*engine, *sae, kLayer, json);
    lane = std::make_unique<coxswain::Lane>(*engine);
  }

  // Row i has plan i mod 4, or none.
  std::vector<cox_row> rows(int n) const {
    std::vector<cox_row> rows;
    for (int i = 0; i < n; ++i) rows.push_back(row(i, i % 4 < 3 ? plans[i % 4].get() : nullptr, i + 1));
    return rows;
  }

  std::unique_ptr<coxswain::Engine> engine;
  std::unique_ptr<coxswain::Sae> sae;
  std::vector<coxswain::Plan> plans;
  std::unique_ptr<coxswain::Lane> lane;
};

class CudaTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    writeSae(scratch() / "sae", kWidth, kFeatures, seed());
    driver_ = new CudaDriver;
    cpu_ = new Device("cpu");
    cuda_ = new Device("cuda");
  }
  static void TearDownTestSuite() {
    for (Device* device : {cuda_, cpu_}) {
      device->lane.reset();
      device->plans.clear();
      device->sae.reset();
      device->engine.reset();
      delete device;
    }
    delete driver_;
  }

  // Rows kStride bytes apart, as `dtype`: the upper half of a random float is a bfloat16.
  static std::vector<uint8_t> memory(int n, int dtype, uint64_t salt) {
    std::vector<float> x = randomRows(n, kWidth, seed() + salt);
    std::vector<uint8_t> bytes(n * kStride, 0x5a);
    for (int i = 0; i < n; ++i) {
      for (int e = 0; e < kWidth; ++e) {
        const float* from = &x[i * kWidth + e];
        if (dtype == COX_F32) {
          std::memcpy(&bytes[i * kStride + 4 * e], from, 4);
        } else {
          std::memcpy(&bytes[i * kStride + 2 * e], reinterpret_cast<const uint8_t*>(from) + 2, 2);
        }
      }
    }
    return bytes;
  }

  static cox_block blockOf(void* data, int n, int dtype) {
    cox_block value = block(static_cast<float*>(data), n);
    value.dtype = dtype;
    value.row_stride = kStride;
    return value;
  }

  static cox_block blockOf(const CudaMemory& memory, int n, int dtype, void* stream) {
    cox_block value = blockOf(memory.data(), n, dtype);
    value.space = COX_CUDA;
    value.stream = stream;
    return value;
  }

  static void steer(const Device& device, const std::vector<cox_row>& rows, const cox_block& block) {
    device.lane->begin(rows);
    ASSERT_TRUE(device.lane->layer(block));
    device.lane->end();
  }

  // What the CPU makes of them.
  static std::vector<uint8_t> expected(std::vector<uint8_t> x, int n, int dtype) {
    steer(*cpu_, cpu_->rows(n), blockOf(x.data(), n, dtype));
    return x;
  }

  static CudaDriver* driver_;
  static Device* cpu_;
  static Device* cuda_;
};

CudaDriver* CudaTest::driver_;
Device* CudaTest::cpu_;
Device* CudaTest::cuda_;

TEST_F(CudaTest, ShouldSteerRowsInCudaMemoryInTheOrderOfTheHostsStream) {
  void* stream = driver_->stream();
  for (int dtype : {COX_F32, COX_BF16}) {
    for (int n : {1, 4, 4, 70, 4}) {
      std::vector<uint8_t> x = memory(n, dtype, n);
      CudaMemory rows(*driver_, x);
      steer(*cuda_, cuda_->rows(n), blockOf(rows, n, dtype, stream));
      driver_->synchronize(stream);
      EXPECT_EQ(expected(x, n, dtype), rows.content()) << n << " rows of type " << dtype;
    }
  }
}

TEST_F(CudaTest, ShouldSteerManyPassesBeforeTheHostWaits) {
  std::vector<void*> streams = {driver_->stream(), driver_->stream()};
  std::vector<std::unique_ptr<CudaMemory>> passes;
  for (int p = 0; p < 12; ++p) {
    int n = 1 + p * 5 % 7;
    passes.push_back(std::make_unique<CudaMemory>(*driver_, memory(n, COX_F32, 100 + p)));
    steer(*cuda_, cuda_->rows(n), blockOf(*passes.back(), n, COX_F32, streams[p % 3 == 2 ? 1 : 0]));
  }
  for (void* stream : streams) driver_->synchronize(stream);
  for (int p = 0; p < 12; ++p) {
    int n = 1 + p * 5 % 7;
    EXPECT_EQ(expected(memory(n, COX_F32, 100 + p), n, COX_F32), passes[p]->content()) << "pass " << p;
  }
}

TEST_F(CudaTest, ShouldSteerRowsInHostMemoryOnACudaEngine) {
  for (int dtype : {COX_F32, COX_BF16}) {
    std::vector<uint8_t> x = memory(9, dtype, 7);
    std::vector<uint8_t> y = x;
    steer(*cuda_, cuda_->rows(9), blockOf(y.data(), 9, dtype));
    EXPECT_EQ(expected(x, 9, dtype), y) << "type " << dtype;
  }
}

TEST_F(CudaTest, ShouldLetAPlanGoWhoseWorkIsStillUnderWay) {
  void* stream = driver_->stream();
  std::vector<uint8_t> x = memory(2, COX_F32, 5);
  CudaMemory rows(*driver_, x);
  {
    coxswain::Plan plan(*cuda_->engine, *cuda_->sae, kLayer, kPlans[0]);
    steer(*cuda_, {row(1, plan.get(), 3), row(2, nullptr, 3)}, blockOf(rows, 2, COX_F32, stream));
  }
  driver_->synchronize(stream);
  coxswain::Plan same(*cpu_->engine, *cpu_->sae, kLayer, kPlans[0]);
  steer(*cpu_, {row(1, same.get(), 3), row(2, nullptr, 3)}, blockOf(x.data(), 2, COX_F32));
  EXPECT_EQ(x, rows.content());
}

TEST_F(CudaTest, ShouldCountWhatTheDeviceHasDone) {
  coxswain::Lane lane(*cuda_->engine);
  void* stream = driver_->stream();
  std::vector<uint8_t> x = memory(4, COX_F32, 3);
  const uint32_t nan = 0x7fc00000;
  std::memcpy(&x[2 * kStride], &nan, sizeof nan);
  CudaMemory rows(*driver_, x);
  for (int pass = 0; pass < 2; ++pass) {
    lane.begin(cuda_->rows(4));
    ASSERT_TRUE(lane.layer(blockOf(rows, 4, COX_F32, stream)));
    lane.end();
  }
  driver_->synchronize(stream);
  cox_lane_statistics counts = lane.describe();
  EXPECT_EQ(2u, counts.non_finite);
  EXPECT_EQ(4u, counts.steered + counts.gated_off);
  EXPECT_EQ(8u, counts.rows);
  EXPECT_EQ(2u, counts.calls);
}

TEST_F(CudaTest, ShouldRefuseWhatItCannotReach) {
  CudaMemory rows(*driver_, memory(1, COX_F32, 1));
  auto refused = [&](int status, const char* text, auto&& change) {
    cuda_->lane->begin(cuda_->rows(1));
    cox_block wrong = blockOf(rows, 1, COX_F32, nullptr);
    change(wrong);
    EXPECT_COX_ERROR(status, text, cox_layer(cuda_->lane->get(), &wrong));
    cuda_->lane->end();
  };
  refused(COX_ERROR_ARGUMENT, "block.device is 1, but the engine computes on cuda:0",
          [](cox_block& b) { b.device = 1; });
  auto ignore = [](void*, const cox_features*) {};
  cuda_->lane->observe(*cuda_->sae, kLayer, COX_BEFORE_PLANS, ignore, nullptr);
  refused(COX_ERROR_UNSUPPORTED, "the lane harvests or observes layer 7, whose block is in CUDA memory",
          [](cox_block&) {});
  cuda_->lane->observe(*cuda_->sae, kLayer, COX_BEFORE_PLANS, nullptr, nullptr);
  std::vector<uint8_t> before = memory(1, COX_F32, 1);
  EXPECT_EQ(before, rows.content());
}

}  // namespace
}  // namespace coxswain::host::test
