// Steering on every instruction set, with rows that end where memory ends.
#include "cpu/steer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>

#include "cpu/steer_kernels.h"

using namespace coxswain::cpu;

namespace {

/** Exactly as many elements as asked for, so that a sanitizer sees one read or written beyond them. */
template <class T>
std::unique_ptr<T[]> exactly(int64_t count) {
  return std::make_unique<T[]>(count);
}

std::unique_ptr<float[]> draw(std::mt19937_64& engine, int64_t count) {
  std::normal_distribution<float> normal;
  auto values = exactly<float>(count);
  for (int64_t i = 0; i < count; ++i) values[i] = normal(engine);
  return values;
}

/** All five kinds in turn. */
SteerPlan rules(std::mt19937_64& engine, int64_t d, int64_t m) {
  SteerPlan plan(d);
  for (int kind = 0; kind <= 4; ++kind) {
    const bool reads = kind != static_cast<int>(SteerKind::kAdd);
    const bool shifts = !reads || kind == static_cast<int>(SteerKind::kCalibrate);
    auto read = draw(engine, m * d), bias = draw(engine, m), write = draw(engine, m * d);
    auto constant = draw(engine, d);
    plan.addRule(static_cast<SteerKind>(kind), 1.5f, reads ? m : 0, reads ? read.get() : nullptr,
                 reads ? bias.get() : nullptr, reads ? write.get() : nullptr,
                 shifts ? constant.get() : nullptr);
  }
  return plan;
}

SteerPlan plan(std::mt19937_64& engine, int64_t d, int64_t m) {
  SteerPlan plan = rules(engine, d, m);
  auto read = draw(engine, 2 * d), bias = draw(engine, 2);
  plan.setCondition(2, read.get(), bias.get(), 0.5f);
  return plan;
}

}  // namespace

TEST(Steer, shouldGiveTheSameBitsOnEveryInstructionSetAndStayInsideItsRows) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 engine(seed);
  for (int64_t d : {1, 15, 16, 17, 63, 64, 65, 257, 576}) {
    for (int64_t m : {1, 3, 20}) {
      const SteerPlan steered = plan(engine, d, m);
      const int64_t rows = 9;
      for (Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBf16}) {
        const int64_t bytes = rows * d * static_cast<int64_t>(dtypeBytes(dtype));
        auto x = exactly<char>(bytes);
        for (int64_t i = 0; i < bytes; ++i) x[i] = static_cast<char>(engine() & 0x3b);
        std::unique_ptr<char[]> first;
        for (Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
          if (!isaSupported(isa)) continue;
          auto y = exactly<char>(bytes);
          SteerCounters counters;
          const int64_t stride = bytes / rows;
          steerKernels(isa).steerRows(steered, {x.get(), stride, y.get(), stride, rows, dtype, nullptr}, 0,
                                      rows, counters, nullptr);
          EXPECT_EQ(rows, counters.steered + counters.gatedOff + counters.nonFinite);
          if (first == nullptr) {
            first = std::move(y);
          } else {
            EXPECT_EQ(0, std::memcmp(first.get(), y.get(), bytes))
                << isaName(isa) << " d " << d << " m " << m;
          }
        }
      }
    }
  }
}

TEST(Steer, shouldShareRowsOutAmongThreads) {
  std::mt19937_64 engine(1);
  const int64_t d = 300, rows = 500;
  const SteerPlan steered = plan(engine, d, 8);
  auto x = draw(engine, rows * d);
  auto alone = exactly<float>(rows * d), shared = exactly<float>(rows * d);
  auto run = [&](int threads, float* y, SteerCounters* counters) {
    Device device(threads, bestIsa());
    steer(device, steered,
          {reinterpret_cast<char*>(x.get()), 4 * d, reinterpret_cast<char*>(y), 4 * d, rows, Dtype::kF32,
           nullptr},
          counters);
  };
  SteerCounters one, four;
  run(1, alone.get(), &one);
  run(4, shared.get(), &four);
  EXPECT_EQ(0, std::memcmp(alone.get(), shared.get(), rows * d * 4));
  EXPECT_EQ(one.steered, four.steered);
  EXPECT_EQ(one.gatedOff, four.gatedOff);
  EXPECT_EQ(rows, one.steered + one.gatedOff);
}

TEST(Steer, shouldShareTheFeaturesOfOneRowOutAmongThreads) {
  std::mt19937_64 engine(2);
  const int64_t d = 4100;
  const SteerPlan steered = rules(engine, d, 300);
  auto x = draw(engine, d);
  auto alone = exactly<float>(d), shared = exactly<float>(d);
  const int64_t stride = 4 * d;
  Device device(4, bestIsa());
  const SteerKernels& kernels = steerKernels(device.isa);
  char* rows = reinterpret_cast<char*>(x.get());
  SteerCounters one, four;
  kernels.steerRows(steered,
                    {rows, stride, reinterpret_cast<char*>(alone.get()), stride, 1, Dtype::kF32, nullptr}, 0,
                    1, one, nullptr);
  for (int i = 0; i < 20; ++i) {
    steer(device, steered,
          {rows, stride, reinterpret_cast<char*>(shared.get()), stride, 1, Dtype::kF32, nullptr}, &four);
    EXPECT_EQ(0, std::memcmp(alone.get(), shared.get(), stride));
  }
  EXPECT_EQ(1, one.steered);
  EXPECT_EQ(20, four.steered);
}
