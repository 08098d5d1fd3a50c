#include "cpu/scan.h"

#include <algorithm>
#include <vector>

#include "cpu/order.h"
#include "cpu/screen.h"
#include "cpu/select.h"

namespace coxswain::cpu {
namespace {

/** Rows that share one pass over the weights: their x stays in the L2 cache beside one row of weights. */
constexpr int64_t kRowBlock = 8;

/** Features of one task: enough to be worth a hand-over, few enough to keep all threads busy to the end. */
int64_t featuresPerTask(const Device& device, int64_t features) {
  int64_t even = (features + 4 * device.pool.threads() - 1) / (4 * device.pool.threads());
  return std::max<int64_t>(even, 64);
}

void scoreBlock(Device& device, const ScanCall& call, int64_t first, int64_t rows, float* z) {
  const EncodeKernels& kernels = encodeKernels(device.isa);
  int64_t share = featuresPerTask(device, call.features);
  device.pool.run((call.features + share - 1) / share, [&](int64_t task) {
    int64_t from = task * share;
    int64_t to = std::min(from + share, call.features);
    kernels.score(call.weights, from, to, call.x + first * call.xStride, rows, call.xStride, z + from,
                  call.features);
  });
}

void selectRow(const ScanCall& call, int64_t row, const float* z, Selector& selector, const ScanSink& sink) {
  selector.clear();
  if (call.states == nullptr || call.states[row] == RowState::kReady) {
    selector.offer(z, call.threshold, 0, call.features);
  }
  sinkRow(call, row, selector, sink);
}

/** Scores every feature canonically. */
void scanExactly(Device& device, const ScanCall& call, const ScanSink& sink) {
  const EncodeKernels& kernels = encodeKernels(device.isa);
  std::vector<float> z(std::min(kRowBlock, call.rows) * call.features);
  for (int64_t first = 0; first < call.rows; first += kRowBlock) {
    int64_t rows = std::min(kRowBlock, call.rows - first);
    scoreBlock(device, call, first, rows, z.data());
    device.pool.run(rows, [&](int64_t r) {
      Selector selector(kernels, call.limit);
      selectRow(call, first + r, z.data() + r * call.features, selector, sink);
    });
  }
}

}  // namespace

void sinkRow(const ScanCall& call, int64_t row, Selector& selector, const ScanSink& sink) {
  std::vector<uint64_t>& keys = selector.finish();
  if (call.weights.subset != nullptr) {
    for (uint64_t& key : keys) {
      key = orderKey(keyScore(key), static_cast<uint32_t>(call.weights.subset[keyIndex(key)]));
    }
  }
  sink(row, keys.data(), static_cast<int64_t>(keys.size()));
}

int64_t scanFeatures(Device& device, const ScanCall& call, const ScanSink& sink) {
  if (device.screen != ScreenKind::kNone && screenFits(call)) {
    return screenFeatures(device, screenKernels(device.isa, device.screen), call, sink);
  }
  scanExactly(device, call, sink);
  return 0;
}

int64_t topKFeatures(Device& device, const ScanCall& call, float* values, int32_t* indices) {
  return scanFeatures(device, call, [&](int64_t row, const uint64_t* keys, int64_t count) {
    for (int64_t i = 0; i < call.limit; ++i) {
      values[row * call.limit + i] = i < count ? keyScore(keys[i]) : 0.0f;
      indices[row * call.limit + i] = i < count ? static_cast<int32_t>(keyIndex(keys[i])) : -1;
    }
  });
}

}  // namespace coxswain::cpu
