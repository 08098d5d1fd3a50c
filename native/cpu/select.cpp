#include "cpu/select.h"

#include <algorithm>
#include <functional>

#include "cpu/order.h"

namespace coxswain::cpu {
namespace {

/** Scores looked at between two tightenings of the floor. */
constexpr int64_t kBlock = 1024;

}  // namespace

void Selector::clear() {
  keys_.clear();
  floor_ = 0.0f;
  places_.resize(kBlock);
}

void Selector::offer(const float* z, const float* threshold, int64_t from, int64_t n) {
  for (int64_t start = 0; start < n; start += kBlock) {
    int64_t block = std::min(kBlock, n - start);
    const float* theta = threshold == nullptr ? nullptr : threshold + start;
    int64_t found = kernels_.collect(z + start, theta, floor_, block, places_.data());
    for (int64_t i = 0; i < found; ++i) {
      int64_t place = start + places_[i];
      keys_.push_back(orderKey(z[place], static_cast<uint32_t>(from + place)));
    }
    if (static_cast<int64_t>(keys_.size()) >= 2 * limit_) shrink();
  }
}

void Selector::offerKey(uint64_t key) {
  keys_.push_back(key);
  if (static_cast<int64_t>(keys_.size()) >= 2 * limit_ + kBlock) shrink();
}

void Selector::shrink() {
  if (static_cast<int64_t>(keys_.size()) <= limit_) return;
  std::nth_element(keys_.begin(), keys_.begin() + (limit_ - 1), keys_.end(), std::greater<uint64_t>());
  keys_.resize(limit_);
  floor_ = std::max(floor_, keyScore(keys_.back()));
}

std::vector<uint64_t>& Selector::finish() {
  shrink();
  std::sort(keys_.begin(), keys_.end(), std::greater<uint64_t>());
  return keys_;
}

}  // namespace coxswain::cpu
