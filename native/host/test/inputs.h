// Inputs of the host's tests and bench: an SAE on disk, rows, blocks and plans.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "coxswain/coxswain.hpp"

namespace coxswain::host::test {

constexpr int kWidth = 48;
constexpr int kFeatures = 96;
constexpr int kActive = 5;
constexpr int kLayer = 7;

// A folder of its own for each test program, removed when the program ends.
const std::filesystem::path& scratch();

// A new seed each run, printed; COX_SEED repeats one.
uint64_t seed();

// Weights of a Top-K SAE in SAELens' layout, W_dec [F, d] row-major.
struct Weights {
  int width;
  int features;
  std::vector<float> wDec;
  const float* row(int feature) const { return wDec.data() + static_cast<size_t>(feature) * width; }
};

// Writes a random SAE whose encoder is its decoder transposed, without biases.
Weights writeSae(const std::filesystem::path& folder, int width, int features, uint64_t seed);

std::vector<float> randomRows(size_t rows, int width, uint64_t seed);

// One row of many, side by side.
std::vector<float> rowOf(const std::vector<float>& values, size_t row, int width = kWidth);

cox_row row(uint64_t request, cox_plan* plan, int position, uint32_t flags = COX_ROW_GENERATED);

cox_block block(float* data, size_t rows, int width = kWidth, int layer = kLayer);

// A plan that adds `strength` times the write vector of one feature: exact where the strength is a power of
// two.
std::string addPlan(int feature, double strength, const std::string& more = "");

// x + strength * W_dec[feature], as floats.
std::vector<float> added(const std::vector<float>& x, const Weights& weights, int feature, float strength);

}  // namespace coxswain::host::test
