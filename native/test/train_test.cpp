// The training step's memory and determinism; its arithmetic is checked against the double reference in Java.
#include "cpu/train.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include "cpu/order.h"
#include "cpu/train_pairs.h"

using namespace coxswain::cpu;

namespace {

struct Shape {
  int64_t rows, d, features, k, kAux, dead;
};

const Shape kShapes[] = {{1, 1, 1, 1, 1, 1},     {3, 17, 5, 5, 2, 5},      {33, 16, 70, 4, 100, 31},
                         {70, 83, 129, 7, 3, 9}, {17, 300, 40, 40, 0, 40}, {130, 64, 256, 9, 32, 0}};

/** A model with its batch, in vectors without a byte to spare. */
struct Model {
  Shape shape;
  std::vector<float> wEnc, bEnc, wDec, bDec, m, v, x;
  std::vector<int64_t> sinceFired;

  explicit Model(const Shape& s) : shape(s) {
    std::mt19937_64 engine(42);
    std::normal_distribution<float> normal;
    auto fill = [&](std::vector<float>& values, int64_t count) {
      values.resize(count);
      for (float& value : values) value = normal(engine);
    };
    fill(wEnc, s.features * s.d);
    fill(bEnc, s.features);
    fill(wDec, s.features * s.d);
    fill(bDec, s.d);
    fill(x, s.rows * s.d);
    m.resize(2 * s.features * s.d + s.features + s.d);
    v.resize(m.size());
    sinceFired.resize(s.features);
    for (int64_t f = 0; f < s.dead; ++f) sinceFired[f] = 1000;
  }

  TrainReport step(Device& device, int64_t number) {
    TrainTensors state{wEnc.data(), bEnc.data(),       wDec.data(),    bDec.data(), m.data(),
                       v.data(),    sinceFired.data(), shape.features, shape.d};
    TrainNumbers numbers{shape.k, shape.kAux, 1.0f / 32, 1000, number, 1e-2f, 0.9f, 0.999f, 6.25e-10f};
    return trainStep(device, state, numbers, x.data(), shape.rows);
  }

  bool operator==(const Model& other) const {
    return wEnc == other.wEnc && bEnc == other.bEnc && wDec == other.wDec && bDec == other.bDec &&
           m == other.m && v == other.v && sinceFired == other.sinceFired;
  }
};

TEST(Train, GivesTheSameBitsOnEveryIsaAndThreadCount) {
  for (const Shape& shape : kShapes) {
    Device reference(1, Isa::kPortable);
    Model wanted(shape);
    for (int64_t number = 1; number <= 3; ++number) wanted.step(reference, number);
    for (Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
      if (!isaSupported(isa)) continue;
      for (int threads : {1, 3}) {
        Device device(threads, isa);
        Model model(shape);
        for (int64_t number = 1; number <= 3; ++number) model.step(device, number);
        EXPECT_TRUE(model == wanted) << isaName(isa) << ", " << threads << " threads, d " << shape.d;
      }
    }
  }
}

TEST(Train, LowersTheLossOfABatchItSeesAgain) {
  Device device(2, bestIsa());
  Model model({130, 64, 256, 9, 32, 0});
  double first = model.step(device, 1).loss;
  double last = first;
  for (int64_t number = 2; number <= 40; ++number) last = model.step(device, number).loss;
  EXPECT_LT(last, 0.5 * first);
}

TEST(Train, ServesSeveralModelsAtOnce) {
  Device device(2, bestIsa());
  Model wanted({70, 83, 129, 7, 3, 9});
  for (int64_t number = 1; number <= 10; ++number) wanted.step(device, number);
  std::vector<Model> models(3, Model(wanted.shape));
  std::vector<std::thread> threads;
  for (Model& model : models) {
    threads.emplace_back([&device, &model] {
      for (int64_t number = 1; number <= 10; ++number) model.step(device, number);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Model& model : models) EXPECT_TRUE(model == wanted);
}

TEST(Train, SortsPairsByFeatureWithRowsAscending) {
  RowPairs pairs;
  pairs.reset(3, 4);
  const uint64_t row0[] = {orderKey(5.0f, 2), orderKey(1.5f, 0)};
  const uint64_t row2[] = {orderKey(9.0f, 0), orderKey(7.0f, 3), orderKey(0.25f, 2)};
  pairs.setRow(0, row0, 2);
  pairs.setRow(2, row2, 3);
  FeaturePairs byFeature;
  byFeature.sort(pairs, 5);
  EXPECT_EQ(byFeature.begin, (std::vector<int64_t>{0, 2, 2, 4, 5, 5}));
  EXPECT_EQ(byFeature.rows, (std::vector<int32_t>{0, 2, 0, 2, 2}));
  EXPECT_EQ(byFeature.a, (std::vector<float>{1.5f, 9.0f, 5.0f, 0.25f, 7.0f}));
}

}  // namespace
