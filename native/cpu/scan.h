// Which features are active in prepared rows: the search that encode and the training step share.
#pragma once

#include <cstdint>
#include <functional>

#include "cpu/device.h"
#include "cpu/encode_kernels.h"

namespace coxswain::cpu {

/** Prepared rows (x̃ − δ·b_dec, finite or not: a score that is NaN is never active) against a set of features.
 */
struct ScanCall {
  const float* x;  // [rows], xStride floats apart
  int64_t rows;
  int64_t xStride;
  ScoreWeights weights;    // subset: e.g. AuxK's dead features; keys then hold the features' own numbers
  int64_t features;        // F, or the subset's size
  const float* threshold;  // JumpReLU's θ [F], or null; not with a subset
  int64_t limit;           // k for Top-K, F for the other activations
  const RowState* states;  // [rows] or null; rows that are not kReady have no active feature
};

/**
 * Receives a row's active features as order keys (order.h), best first. Called once a row, from any of the
 * pool's threads, several rows at a time.
 */
using ScanSink = std::function<void(int64_t row, const uint64_t* keys, int64_t count)>;

class Selector;

/** Hands a row's selection to the sink, with a subset's places turned into feature numbers. */
void sinkRow(const ScanCall& call, int64_t row, Selector& selector, const ScanSink& sink);

/**
 * Finds, of each row, the `limit` features of largest canonical score z > max(θ, 0). The same bits for every
 * instruction set, thread count and split of the rows. Returns the rows for which a screen gave up and every
 * feature was scored exactly (0 where no screen was used).
 */
int64_t scanFeatures(Device& device, const ScanCall& call, const ScanSink& sink);

/**
 * scanFeatures with limit = k into arrays: values [rows, k] and indices [rows, k], descending, padded with 0
 * and −1.
 */
int64_t topKFeatures(Device& device, const ScanCall& call, float* values, int32_t* indices);

}  // namespace coxswain::cpu
