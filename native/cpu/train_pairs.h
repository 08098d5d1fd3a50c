// The (row, feature) pairs of a training step, by row and by feature.
#pragma once

#include <cstdint>
#include <vector>

namespace coxswain::cpu {

/** Active features of each row in ascending index; filled row by row, from any thread. */
struct RowPairs {
  int64_t places = 0;
  std::vector<int32_t> counts;    // [rows]
  std::vector<int32_t> features;  // [rows, places]
  std::vector<float> a;           // [rows, places] activations, all positive
  std::vector<float> dz;          // [rows, places] ∂loss/∂z

  void reset(int64_t rows, int64_t newPlaces);

  /** Takes a row's active features as order keys (order.h), in any order. */
  void setRow(int64_t row, const uint64_t* keys, int64_t count);
};

/** The same pairs by feature, the rows of each ascending: a stable counting sort. */
struct FeaturePairs {
  std::vector<int64_t> begin;  // [features + 1]
  std::vector<int32_t> rows;   // [pairs]
  std::vector<float> a;
  std::vector<float> dz;

  void sort(const RowPairs& pairs, int64_t features);

  int64_t count(int64_t feature) const { return begin[feature + 1] - begin[feature]; }

 private:
  std::vector<int64_t> next_;
};

}  // namespace coxswain::cpu
