#include "cpu/decode.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cpu/errors.h"

namespace coxswain::cpu {
namespace {

/** A row's features in ascending index. */
struct Ascending {
  std::vector<std::pair<int32_t, float>> pairs;
  std::vector<int32_t> indices;
  std::vector<float> values;

  void fill(const Decoder& decoder, const DecodeCall& call, int64_t row) {
    pairs.clear();
    for (int64_t i = row * call.places; i < (row + 1) * call.places; ++i) {
      int32_t index = call.indices[i];
      if (index < -1 || index >= decoder.features) {
        throw InvalidData("row " + std::to_string(row) + " has feature index " + std::to_string(index) +
                          "; it must be -1 or below F = " + std::to_string(decoder.features));
      }
      if (index >= 0) pairs.emplace_back(index, call.values[i]);
    }
    std::stable_sort(pairs.begin(), pairs.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    indices.clear();
    values.clear();
    for (const auto& [index, value] : pairs) {
      indices.push_back(index);
      values.push_back(value);
    }
  }
};

}  // namespace

int64_t decode(Device& device, const Decoder& decoder, const DecodeCall& call) {
  constexpr int64_t kShare = 16;
  const DecodeKernels& kernels = decodeKernels(device.isa);
  size_t rowBytes = decoder.d * dtypeBytes(call.dtype);
  std::atomic<int64_t> clamped{0};
  device.pool.run((call.rows + kShare - 1) / kShare, [&](int64_t task) {
    Ascending active;
    int64_t here = 0;
    for (int64_t row = task * kShare; row < std::min(call.rows, (task + 1) * kShare); ++row) {
      active.fill(decoder, call, row);
      const float* shiftScale = call.normalization + 2 * row;
      here += kernels.decodeRow({active.values.data(), active.indices.data(),
                                 static_cast<int64_t>(active.indices.size()), decoder.w, decoder.b, decoder.d,
                                 decoder.normalized, shiftScale[0], shiftScale[1],
                                 static_cast<char*>(call.xHat) + row * rowBytes, call.dtype});
    }
    clamped += here;
  });
  return clamped;
}

const DecodeKernels& decodeKernels(Isa isa) {
#ifndef COX_PORTABLE_ONLY
  if (isa == Isa::kAvx512) return kDecodeAvx512;
  if (isa == Isa::kAvx2) return kDecodeAvx2;
#endif
  return kDecodePortable;
}

}  // namespace coxswain::cpu
