// The canonical dot against its definition, and the kernels of every instruction set against each other.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "cpu/encode_kernels.h"
#include "cpu/isa.h"

using namespace coxswain::cpu;

namespace {

float definition(const float* u, const float* w, int64_t d) {
  float a[256] = {};
  for (int64_t e = 0; e < d; ++e) a[e % 256] = std::fma(u[e], w[e], a[e % 256]);
  float s[32];
  for (int l = 0; l < 32; ++l) {
    const float* p = a + 8 * l;
    s[l] = ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]));
  }
  for (int o = 16; o > 0; o /= 2) {
    for (int l = 0; l < o; ++l) s[l] = s[l] + s[l + o];
  }
  return s[0];
}

std::vector<Isa> isas() {
  std::vector<Isa> supported;
  for (Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    if (isaSupported(isa)) supported.push_back(isa);
  }
  return supported;
}

uint32_t bits(float value) {
  uint32_t result;
  std::memcpy(&result, &value, sizeof result);
  return result;
}

/** Exactly d floats on the heap: the address sanitizer sees a read past either end. */
std::unique_ptr<float[]> random(std::mt19937_64& engine, int64_t d, float scale) {
  std::unique_ptr<float[]> values(new float[d]);
  std::normal_distribution<float> normal(0, scale);
  for (int64_t e = 0; e < d; ++e) values[e] = normal(engine);
  return values;
}

TEST(Dot, shouldFollowTheDefinitionForEveryWidthAndIsa) {
  uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 engine(seed);
  for (int64_t d = 1; d <= 1100; d += d < 300 ? 1 : 37) {
    for (float scale : {1.0f, 1e-21f, 1e19f}) {
      auto x = random(engine, d, scale);
      auto w = random(engine, d, scale);
      float zero = 0.0f;
      float expected = definition(x.get(), w.get(), d) + zero;
      for (Isa isa : isas()) {
        float z;
        encodeKernels(isa).score({w.get(), &zero, nullptr, d}, 0, 1, x.get(), 1, d, &z, 1);
        ASSERT_EQ(bits(expected), bits(z)) << "d " << d << " scale " << scale << " " << isaName(isa);
      }
    }
  }
}

TEST(Collect, shouldFindExactlyTheScoresAboveFloorAndThreshold) {
  std::mt19937_64 engine(7);
  for (int64_t n : {1, 15, 16, 17, 100}) {
    auto z = random(engine, n, 1.0f);
    auto theta = random(engine, n, 1.0f);
    z[0] = NAN;
    for (Isa isa : isas()) {
      for (const float* threshold :
           {static_cast<const float*>(nullptr), const_cast<const float*>(theta.get())}) {
        std::vector<uint32_t> places(n);
        places.resize(encodeKernels(isa).collect(z.get(), threshold, 0.1f, n, places.data()));
        std::vector<uint32_t> expected;
        for (int64_t i = 0; i < n; ++i) {
          if (z[i] > 0.1f && (threshold == nullptr || z[i] > threshold[i])) expected.push_back(i);
        }
        EXPECT_EQ(expected, places) << isaName(isa) << " n " << n;
      }
    }
  }
}

TEST(Prepare, shouldReadEveryHalfPrecisionValueAlikeOnAllIsas) {
  std::vector<uint16_t> all(65536);
  for (int i = 0; i < 65536; ++i) all[i] = static_cast<uint16_t>(i);
  for (Dtype dtype : {Dtype::kF16, Dtype::kBf16}) {
    for (int i = 0; i < 65536; i += 13) {
      float first[2] = {};
      RowState states[3];
      for (Isa isa : isas()) {
        float value[2] = {-1, -1};
        float shiftScale[2];
        RowInput row{&all[i], dtype, i + 2 <= 65536 ? 2 : 1, Normalization::kNone, nullptr};
        states[static_cast<int>(isa)] = encodeKernels(isa).prepare(row, value, shiftScale);
        if (isa == Isa::kPortable) std::memcpy(first, value, sizeof first);
        EXPECT_EQ(states[0], states[static_cast<int>(isa)]);
        if (states[0] == RowState::kReady) {
          EXPECT_EQ(0, std::memcmp(first, value, sizeof first)) << i << isaName(isa);
        }
      }
    }
  }
}

}  // namespace
