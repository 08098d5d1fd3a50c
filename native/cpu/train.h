// One step of Top-K training (math.md, training).
#pragma once

#include <cstdint>

#include "cpu/device.h"

namespace coxswain::cpu {

/** All that a step changes; as TrainState.java. */
struct TrainTensors {
  float* wEnc;          // [F, d]
  float* bEnc;          // [F]
  float* wDec;          // [F, d], rows of unit norm
  float* bDec;          // [d]
  float* firstMoment;   // [2·F·d + F + d]: W_enc, b_enc, W_dec, b_dec
  float* secondMoment;  // the same
  int64_t* sinceFired;  // [F] rows
  int64_t features;
  int64_t d;
};

/** As TrainStep.java. */
struct TrainNumbers {
  int64_t k;
  int64_t kAux;
  float auxCoefficient;
  int64_t deadAfter;
  int64_t step;
  float learningRate;
  float beta1;
  float beta2;
  float epsilon;
};

/** As TrainReport.java, in this order in Java's memory. */
struct TrainReport {
  double loss = 0;
  double fvu = 0;
  double auxLoss = 0;
  int64_t activeFeatures = 0;
  int64_t deadFeatures = 0;
};

/**
 * Trains on x [rows, d], finite. The same bits for every instruction set and thread count: every sum has a
 * fixed order, over rows ascending within a feature and over features ascending within b_dec's gradient.
 *
 * Where the batch has no variance (one row, or equal rows) the loss has no meaning: the reconstruction's part
 * is then 0 and moves nothing; likewise AuxK's where the error is 0.
 */
TrainReport trainStep(Device& device, const TrainTensors& state, const TrainNumbers& numbers, const float* x,
                      int64_t rows);

}  // namespace coxswain::cpu
