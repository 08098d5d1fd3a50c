#include "cpu/train_pairs.h"

#include <algorithm>
#include <cstring>

#include "cpu/order.h"

namespace coxswain::cpu {

void RowPairs::reset(int64_t rows, int64_t newPlaces) {
  places = newPlaces;
  counts.assign(rows, 0);
  features.resize(rows * places);
  a.resize(rows * places);
  dz.resize(rows * places);
}

void RowPairs::setRow(int64_t row, const uint64_t* keys, int64_t count) {
  int32_t* rowFeatures = &features[row * places];
  float* rowA = &a[row * places];
  std::vector<uint64_t> ascending(keys, keys + count);
  // The index is in the key's low half, inverted: rotated to the top and inverted back it sorts ascending.
  for (uint64_t& key : ascending) key = static_cast<uint64_t>(keyIndex(key)) << 32 | key >> 32;
  std::sort(ascending.begin(), ascending.end());
  for (int64_t i = 0; i < count; ++i) {
    rowFeatures[i] = static_cast<int32_t>(ascending[i] >> 32);
    rowA[i] = fromOrderedBits(static_cast<uint32_t>(ascending[i]));
  }
  counts[row] = static_cast<int32_t>(count);
}

void FeaturePairs::sort(const RowPairs& pairs, int64_t features) {
  int64_t allRows = static_cast<int64_t>(pairs.counts.size());
  begin.assign(features + 1, 0);
  for (int64_t row = 0; row < allRows; ++row) {
    const int32_t* rowFeatures = pairs.features.data() + row * pairs.places;
    for (int32_t i = 0; i < pairs.counts[row]; ++i) ++begin[rowFeatures[i] + 1];
  }
  for (int64_t f = 0; f < features; ++f) begin[f + 1] += begin[f];
  next_.assign(begin.begin(), begin.end() - 1);
  rows.resize(begin[features]);
  a.resize(begin[features]);
  dz.resize(begin[features]);
  for (int64_t row = 0; row < allRows; ++row) {
    int64_t first = row * pairs.places;
    for (int64_t i = first; i < first + pairs.counts[row]; ++i) {
      int64_t place = next_[pairs.features[i]]++;
      rows[place] = static_cast<int32_t>(row);
      a[place] = pairs.a[i];
      dz[place] = pairs.dz[i];
    }
  }
}

}  // namespace coxswain::cpu
