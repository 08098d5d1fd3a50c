#include "cpu/encode.h"

#include <algorithm>
#include <vector>

#include "cpu/order.h"
#include "cpu/scan.h"

namespace coxswain::cpu {
namespace {

/** Rows prepared and scanned at a time: bounds the scratch memory whatever n is. */
constexpr int64_t kBatch = 1024;

/** What one batch of rows needs beside the caller's arrays. */
struct Scratch {
  int64_t stride;
  std::vector<float> prepared;   // [batch, stride]
  std::vector<RowState> states;  // [batch]
  std::vector<int64_t> active;   // [batch] active features of each row

  Scratch(int64_t batch, int64_t d)
      : stride((d + 15) / 16 * 16), prepared(batch * stride), states(batch), active(batch) {}
};

void prepareRows(Device& device, const Encoder& encoder, const EncodeCall& call, int64_t first, int64_t rows,
                 Scratch& scratch) {
  const EncodeKernels& kernels = encodeKernels(device.isa);
  const char* x = static_cast<const char*>(call.x);
  size_t rowBytes = encoder.d * dtypeBytes(call.dtype);
  constexpr int64_t kShare = 16;
  device.pool.run((rows + kShare - 1) / kShare, [&](int64_t task) {
    for (int64_t r = task * kShare; r < std::min(rows, (task + 1) * kShare); ++r) {
      RowInput row{x + (first + r) * rowBytes, call.dtype, encoder.d, encoder.normalization,
                   encoder.subtract};
      scratch.states[r] =
          kernels.prepare(row, &scratch.prepared[r * scratch.stride], call.normalization + 2 * (first + r));
    }
  });
}

void writeRow(const EncodeCall& call, int64_t row, const uint64_t* keys, int64_t count) {
  float* values = call.values + row * call.places;
  int32_t* indices = call.indices + row * call.places;
  for (int64_t i = 0; i < call.places; ++i) {
    values[i] = i < count ? keyScore(keys[i]) : 0.0f;
    indices[i] = i < count ? static_cast<int32_t>(keyIndex(keys[i])) : -1;
  }
}

void count(const Scratch& scratch, const EncodeCall& call, int64_t first, int64_t rows,
           EncodeReport& report) {
  for (int64_t r = 0; r < rows; ++r) {
    report.nonFiniteRows += scratch.states[r] == RowState::kNonFinite;
    report.unnormalizableRows += scratch.states[r] == RowState::kUnnormalizable;
    report.mostActive = std::max(report.mostActive, scratch.active[r]);
    if (scratch.active[r] > call.places && report.firstOverfullRow < 0) report.firstOverfullRow = first + r;
  }
}

}  // namespace

EncodeReport encode(Device& device, const Encoder& encoder, const EncodeCall& call) {
  EncodeReport report;
  Scratch scratch(std::min(kBatch, call.rows), encoder.d);
  for (int64_t first = 0; first < call.rows; first += kBatch) {
    int64_t rows = std::min(kBatch, call.rows - first);
    prepareRows(device, encoder, call, first, rows, scratch);
    ScanCall scan{};
    scan.x = scratch.prepared.data();
    scan.rows = rows;
    scan.xStride = scratch.stride;
    scan.weights = {encoder.w, encoder.b, nullptr, encoder.d};
    scan.features = encoder.features;
    scan.threshold = encoder.threshold;
    scan.limit = encoder.activation == Activation::kTopK ? encoder.k : encoder.features;
    scan.states = scratch.states.data();
    report.fullScans += scanFeatures(device, scan, [&](int64_t r, const uint64_t* keys, int64_t active) {
      scratch.active[r] = active;
      writeRow(call, first + r, keys, active);
    });
    count(scratch, call, first, rows, report);
  }
  return report;
}

const EncodeKernels& encodeKernels(Isa isa) {
#ifndef COX_PORTABLE_ONLY
  if (isa == Isa::kAvx512) return kEncodeAvx512;
  if (isa == Isa::kAvx2) return kEncodeAvx2;
#endif
  return kEncodePortable;
}

}  // namespace coxswain::cpu
