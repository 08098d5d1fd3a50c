// The steering update of one row, one instance an instruction set.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <vector>

#include "cpu/dot.h"
#include "cpu/isa.h"
#include "cpu/rows.h"
#include "cpu/steer.h"

namespace coxswain::cpu {

struct SteerKernels {
  /**
   * Steers rows [from, to) of the batch one after the other and adds to `counters`. Features of a row are
   * shared out among `helpers` where that pays; null: the calling thread works alone.
   */
  void (*steerRows)(const SteerPlan& plan, const SteerBatch& batch, int64_t from, int64_t to,
                    SteerCounters& counters, ThreadPool* helpers);
};

const SteerKernels& steerKernels(Isa isa);
extern const SteerKernels kSteerPortable;
extern const SteerKernels kSteerAvx2;
extern const SteerKernels kSteerAvx512;

namespace {

constexpr float kLargest = 0x1.fffffep127f;

/** Multiply-adds of one row below which waking a second thread costs more than it saves. */
constexpr int64_t kRowWorthSharing = 1 << 20;
constexpr int64_t kRowShare = 1 << 16;

/** What one thread needs for a row; grows to the largest plan the thread has met and stays. */
struct SteerScratch {
  std::vector<float> row;       // [d] the row in float32
  std::vector<float> scaled;    // [d] the row by a power of two, for norms beyond float32
  std::vector<float> read;      // [m] h, then coefficients
  std::vector<int32_t> active;  // [m] places of coefficients that are not 0

  void fit(int64_t d, int64_t m) {
    if (static_cast<int64_t>(row.size()) < d) {
      row.resize(d);
      scaled.resize(d);
    }
    if (static_cast<int64_t>(read.size()) < m) {
      read.resize(m);
      active.resize(m);
    }
  }
};

/** A norm as value · 2^exponent, so that rows near the ends of float32 keep theirs. */
struct ScaledNorm {
  float value;
  int exponent;
};

inline float limited(float value) {
  return value > kLargest ? kLargest : value < -kLargest ? -kLargest : value;
}

template <class V>
class RowSteering {
 public:
  RowSteering(const SteerPlan& plan, SteerScratch& scratch, ThreadPool* helpers)
      : plan_(plan), scratch_(scratch), helpers_(helpers), d_(plan.width()), row_(scratch.row.data()) {}

  int64_t width() const { return d_; }

  /** The row in scratch; false where the plan's condition keeps it from being steered. */
  bool open() {
    if (!plan_.conditional()) return true;
    const SteerReads& reads = plan_.condition();
    float sum = 0;
    int64_t positive = 0;
    for (int64_t j = 0; j < reads.m; ++j) {
      float g = readOne(reads, j);
      if (g > 0) {
        sum += g;
        ++positive;
      }
    }
    return positive > 0 && sum / static_cast<float>(positive) >= plan_.threshold();
  }

  /** Runs all rules on the row in scratch; returns how often an element was clamped to float32. */
  int64_t run() {
    int64_t clamped = 0;
    for (const SteerRule& rule : plan_.rules()) clamped += apply(rule);
    return clamped;
  }

 private:
  /** body(from, to) over [0, count), in shares where count · cost is worth it. */
  template <class Body>
  void share(int64_t count, int64_t cost, const Body& body) {
    if (helpers_ == nullptr || count * cost < kRowWorthSharing) return body(0, count);
    const int64_t each = std::max<int64_t>(1, kRowShare / cost);
    helpers_->run((count + each - 1) / each,
                  [&](int64_t task) { body(task * each, std::min(count, (task + 1) * each)); });
  }

  /** Finite and not negative; an overflowing dot of opposite infinities reads as 0. */
  float readOne(const SteerReads& reads, int64_t j) const {
    float h = dot<V>(row_, reads.vectors.data() + j * d_, d_) + reads.bias[j];
    return h > 0 ? limited(h) : 0.0f;
  }

  int64_t apply(const SteerRule& rule) {
    float* h = scratch_.read.data();
    share(rule.reads.m, d_, [&](int64_t from, int64_t to) {
      for (int64_t j = from; j < to; ++j) h[j] = readOne(rule.reads, j);
    });
    if (rule.kind == SteerKind::kEnforce) return enforce(rule, h);
    for (int64_t j = 0; j < rule.reads.m; ++j) h[j] = coefficient(rule, h[j]);
    return update(rule, collectActive(h, rule.reads.m));
  }

  static float coefficient(const SteerRule& rule, float h) {
    switch (rule.kind) {
      case SteerKind::kAmplify:
        return limited(rule.strength * h);
      case SteerKind::kCalibrate:
        return -h;
      default:
        return limited(rule.strength - h);  // clamp
    }
  }

  /** Gathers what is not 0 to the front of h and notes its places. */
  int64_t collectActive(float* h, int64_t m) {
    int64_t count = 0;
    for (int64_t j = 0; j < m; ++j) {
      if (h[j] != 0) {
        scratch_.active[count] = static_cast<int32_t>(j);
        h[count++] = h[j];
      }
    }
    return count;
  }

  int64_t enforce(const SteerRule& rule, float* h) {
    float total = 0;
    for (int64_t j = 0; j < rule.reads.m; ++j) {
      float missing = rule.strength - h[j];
      h[j] = missing > 0 ? limited(missing) : 0.0f;
      total += h[j];
    }
    if (!(total > 0)) return 0;
    for (int64_t j = 0; j < rule.reads.m; ++j) h[j] = limited(rule.strength * (h[j] / total));
    const ScaledNorm before = norm();
    int64_t clamped = update(rule, collectActive(h, rule.reads.m));
    const ScaledNorm after = norm();
    if (after.value == 0) return clamped;
    return clamped + scale(limited(std::ldexp(before.value / after.value, before.exponent - after.exponent)));
  }

  /** row = fma(coefficient, S[j], row) over the active j in order, then + constant. */
  int64_t update(const SteerRule& rule, int64_t active) {
    const float* constant = rule.constant.empty() ? nullptr : rule.constant.data();
    if (active == 0 && constant == nullptr) return 0;
    std::atomic<int64_t> clamped{0};
    const int64_t blocks = d_ / (16 * kBlock);
    share(blocks, 16 * kBlock * active, [&](int64_t from, int64_t to) {
      int64_t here = 0;
      for (int64_t b = from; b < to; ++b) here += updateBlock(rule, active, constant, 16 * kBlock * b);
      clamped += here;
    });
    for (int64_t e = 16 * kBlock * blocks; e < d_; e += 16) clamped += updateEdge(rule, active, constant, e);
    return clamped;
  }

  static constexpr int kBlock = 4;

  int64_t updateBlock(const SteerRule& rule, int64_t active, const float* constant, int64_t e) {
    V acc[kBlock];
    for (int i = 0; i < kBlock; ++i) acc[i] = V::load(row_ + e + 16 * i);
    for (int64_t a = 0; a < active; ++a) {
      const V coefficient = V::broadcast(scratch_.read[a]);
      const float* write = rule.write.data() + scratch_.active[a] * d_ + e;
      for (int i = 0; i < kBlock; ++i) acc[i] = V::fma(coefficient, V::load(write + 16 * i), acc[i]);
    }
    int64_t clamped = 0;
    for (int i = 0; i < kBlock; ++i) {
      if (constant != nullptr) acc[i] = acc[i] + V::load(constant + e + 16 * i);
      clamped += storeElements(acc[i], row_, Dtype::kF32, e + 16 * i, 16);
    }
    return clamped;
  }

  int64_t updateEdge(const SteerRule& rule, int64_t active, const float* constant, int64_t e) {
    const int n = lanesFrom(e, d_);
    V acc = loadElements<V>(row_, Dtype::kF32, e, n);
    for (int64_t a = 0; a < active; ++a) {
      const float* write = rule.write.data() + scratch_.active[a] * d_ + e;
      acc = V::fma(V::broadcast(scratch_.read[a]), loadElements<V>(write, Dtype::kF32, 0, n), acc);
    }
    if (constant != nullptr) acc = acc + loadElements<V>(constant, Dtype::kF32, e, n);
    return storeElements(acc, row_, Dtype::kF32, e, n);
  }

  int64_t scale(float factor) {
    int64_t clamped = 0;
    for (int64_t e = 0; e < d_; e += 16) {
      const int n = lanesFrom(e, d_);
      clamped += storeElements(loadElements<V>(row_, Dtype::kF32, e, n) * V::broadcast(factor), row_,
                               Dtype::kF32, e, n);
    }
    return clamped;
  }

  /** √dot(row, row); rescaled by a power of two only where that dot leaves the normal range. */
  ScaledNorm norm() {
    const float square = dot<V>(row_, row_, d_);
    if (square >= 0x1p-100f && square <= kLargest) return {std::sqrt(square), 0};
    float largest = 0;
    for (int64_t e = 0; e < d_; ++e) largest = std::fmax(largest, std::fabs(row_[e]));
    if (largest == 0) return {0, 0};
    // Far below 1, so that the sum of d squares stays finite too.
    const int exponent = std::ilogb(largest) + 32;
    float* scaled = scratch_.scaled.data();
    for (int64_t e = 0; e < d_; ++e) scaled[e] = std::ldexp(row_[e], -exponent);
    return {std::sqrt(dot<V>(scaled, scaled, d_)), exponent};
  }

  const SteerPlan& plan_;
  SteerScratch& scratch_;
  ThreadPool* helpers_;
  const int64_t d_;
  float* row_;
};

}  // namespace

template <class V>
struct SteerLoops {
  static void steerRows(const SteerPlan& plan, const SteerBatch& batch, int64_t from, int64_t to,
                        SteerCounters& counters, ThreadPool* helpers) {
    static thread_local SteerScratch scratch;
    scratch.fit(plan.width(), plan.mostReads());
    RowSteering<V> steering(plan, scratch, helpers);
    const size_t bytes = plan.width() * dtypeBytes(batch.dtype);
    for (int64_t i = from; i < to; ++i) {
      const char* x = batch.x + i * batch.xStride;
      char* y = batch.y + i * batch.yStride;
      const bool selected = batch.selection == nullptr || batch.selection[i] != 0;
      const bool written = selected && steerRow(steering, scratch, x, y, batch.dtype, counters);
      if (!written && x != y) std::memcpy(y, x, bytes);
    }
  }

  /** False where the row is to stay as it is. */
  static bool steerRow(RowSteering<V>& steering, SteerScratch& scratch, const char* x, char* y, Dtype dtype,
                       SteerCounters& counters) {
    const int64_t d = steering.width();
    if (!loadRow<V>(x, dtype, d, scratch.row.data())) {
      ++counters.nonFinite;
      return false;
    }
    if (!steering.open()) {
      ++counters.gatedOff;
      return false;
    }
    ++counters.steered;
    const int64_t beyondFloat = steering.run();
    const int64_t beyondType = storeRow(scratch.row.data(), y, dtype, d);
    // The store into a narrower type sees every element that float32 clamped.
    counters.saturated += dtype == Dtype::kF32 ? beyondFloat : beyondType;
    return true;
  }

  static int64_t storeRow(const float* row, void* out, Dtype dtype, int64_t d) {
    int64_t clamped = 0;
    for (int64_t e = 0; e < d; e += 16) {
      const int n = lanesFrom(e, d);
      clamped += storeElements(loadElements<V>(row, Dtype::kF32, e, n), out, dtype, e, n);
    }
    return clamped;
  }

  static constexpr SteerKernels table() { return {steerRows}; }
};

}  // namespace coxswain::cpu
