// The steering update of hidden-state rows (docs/design.md, steering).
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/device.h"
#include "cpu/dtype.h"

namespace coxswain::cpu {

/** The numbers are also Native.java's. */
enum class SteerKind : int { kAmplify = 0, kCalibrate = 1, kEnforce = 2, kClamp = 3, kAdd = 4 };

/** The positions are also SteerKernel.java's. */
struct SteerCounters {
  int64_t steered = 0;
  int64_t gatedOff = 0;
  int64_t nonFinite = 0;
  int64_t saturated = 0;
};

/** m affine reads of a row: h_j = max(dot(x, R_j) + c_j, 0). */
struct SteerReads {
  int64_t m = 0;
  std::vector<float> vectors;  // [m, d]
  std::vector<float> bias;     // [m]
};

struct SteerRule {
  SteerKind kind;
  float strength;               // α or τ
  SteerReads reads;             // empty for ADD
  std::vector<float> write;     // [m, d]; empty for ADD
  std::vector<float> constant;  // [d]; for CALIBRATE and ADD, else empty
};

/** Rows of one call. y == x, or apart from it. */
struct SteerBatch {
  const char* x;
  int64_t xStride;  // bytes
  char* y;
  int64_t yStride;  // bytes
  int64_t rows;
  Dtype dtype;
  const uint8_t* selection;  // [rows], not 0 = steer; or null = all
};

/** A plan's rules, in order. Built by the add functions, then immutable and shared by threads. */
class SteerPlan {
 public:
  explicit SteerPlan(int64_t width) : d_(width) {}

  /** Copies the tensors; null where the kind has none. */
  void addRule(SteerKind kind, float strength, int64_t m, const float* read, const float* readBias,
               const float* write, const float* constant);
  void setCondition(int64_t m, const float* read, const float* readBias, float threshold);

  int64_t width() const { return d_; }
  int64_t mostReads() const { return mostReads_; }
  const std::vector<SteerRule>& rules() const { return rules_; }
  bool conditional() const { return condition_.m > 0; }
  const SteerReads& condition() const { return condition_; }
  float threshold() const { return threshold_; }

  /** Multiply-adds a row takes, roughly. */
  int64_t rowCost() const { return rowCost_; }

 private:
  SteerReads copyReads(int64_t m, const float* read, const float* readBias);

  int64_t d_;
  int64_t mostReads_ = 0;
  int64_t rowCost_ = 0;
  std::vector<SteerRule> rules_;
  SteerReads condition_;
  float threshold_ = 0;
};

/** Steers the rows; adds to `counters` where it is not null. Allocates nothing once a thread is warm. */
void steer(Device& device, const SteerPlan& plan, const SteerBatch& batch, SteerCounters* counters);

}  // namespace coxswain::cpu
