// The k largest scores of a row, exactly, from scores that arrive in ascending feature order.
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/encode_kernels.h"

namespace coxswain::cpu {

/** Keeps the `limit` largest keys of positive scores; one row's, reused from row to row. Not thread-safe. */
class Selector {
 public:
  Selector(const EncodeKernels& kernels, int64_t limit) : kernels_(kernels), limit_(limit) {}

  void clear();

  /**
   * Offers scores z [n] of features from + [0, n), all above those offered before.
   * threshold: θ of those features or null; a feature counts where z > max(θ, 0).
   */
  void offer(const float* z, const float* threshold, int64_t from, int64_t n);

  /** Offers one feature's score, in any order of features. */
  void offerKey(uint64_t key);

  /** The best keys, descending; at most `limit`. The caller may change them. */
  std::vector<uint64_t>& finish();

 private:
  void shrink();

  const EncodeKernels& kernels_;
  int64_t limit_;
  float floor_ = 0.0f;  // a later feature needs a larger score
  std::vector<uint64_t> keys_;
  std::vector<uint32_t> places_;
};

}  // namespace coxswain::cpu
