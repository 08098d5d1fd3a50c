#include "cpu/steer.h"

#include <algorithm>
#include <atomic>

#include "cpu/steer_kernels.h"

namespace coxswain::cpu {
namespace {

/** Multiply-adds below which waking a second thread costs more than it saves. */
constexpr int64_t kWorthSharing = 1 << 18;
constexpr int64_t kTaskCost = 1 << 16;

void add(SteerCounters* counters, const SteerCounters& more) {
  if (counters == nullptr) return;
  counters->steered += more.steered;
  counters->gatedOff += more.gatedOff;
  counters->nonFinite += more.nonFinite;
  counters->saturated += more.saturated;
}

/** Sums over tasks; integer sums do not depend on their order. */
struct SharedCounters {
  std::atomic<int64_t> steered{0}, gatedOff{0}, nonFinite{0}, saturated{0};

  void add(const SteerCounters& c) {
    steered += c.steered;
    gatedOff += c.gatedOff;
    nonFinite += c.nonFinite;
    saturated += c.saturated;
  }
  SteerCounters total() const { return {steered, gatedOff, nonFinite, saturated}; }
};

}  // namespace

SteerReads SteerPlan::copyReads(int64_t m, const float* read, const float* readBias) {
  mostReads_ = std::max(mostReads_, m);
  rowCost_ += m * d_;
  return {m, {read, read + m * d_}, {readBias, readBias + m}};
}

void SteerPlan::addRule(SteerKind kind, float strength, int64_t m, const float* read, const float* readBias,
                        const float* write, const float* constant) {
  SteerRule rule{kind, strength, {}, {}, {}};
  rowCost_ += d_;
  if (read != nullptr) {
    rule.reads = copyReads(m, read, readBias);
    rule.write.assign(write, write + m * d_);
    rowCost_ += m * d_;
  }
  if (constant != nullptr) rule.constant.assign(constant, constant + d_);
  rules_.push_back(std::move(rule));
}

void SteerPlan::setCondition(int64_t m, const float* read, const float* readBias, float threshold) {
  condition_ = copyReads(m, read, readBias);
  threshold_ = threshold;
}

void steer(Device& device, const SteerPlan& plan, const SteerBatch& batch, SteerCounters* counters) {
  const SteerKernels& kernels = steerKernels(device.isa);
  ThreadPool& pool = device.pool;
  const int64_t rowCost = plan.rowCost() + plan.width();
  if (batch.rows < pool.threads() || batch.rows * rowCost < kWorthSharing) {
    SteerCounters counted;
    kernels.steerRows(plan, batch, 0, batch.rows, counted, pool.threads() > 1 ? &pool : nullptr);
    add(counters, counted);
    return;
  }
  const int64_t rowsPerTask = std::max<int64_t>(1, kTaskCost / rowCost);
  SharedCounters shared;
  pool.run((batch.rows + rowsPerTask - 1) / rowsPerTask, [&](int64_t task) {
    SteerCounters counted;
    const int64_t from = task * rowsPerTask;
    kernels.steerRows(plan, batch, from, std::min(batch.rows, from + rowsPerTask), counted, nullptr);
    shared.add(counted);
  });
  add(counters, shared.total());
}

const SteerKernels& steerKernels(Isa isa) {
#ifndef COX_PORTABLE_ONLY
  if (isa == Isa::kAvx512) return kSteerAvx512;
  if (isa == Isa::kAvx2) return kSteerAvx2;
#else
  (void)isa;
#endif
  return kSteerPortable;
}

}  // namespace coxswain::cpu
