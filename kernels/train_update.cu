// Training, the way back (docs/design.md, training, 4 and 5): gradients, Adam and the decoder's unit norm in
// one pass over the state, then b_dec.
#include <cstdint>

#include "train_gradient.cuh"

namespace coxswain {

/** Adam's numbers of a step, bias corrections included; doubles that hold float32. */
struct TrainAdamArgs {
  double beta1;
  double oneMinusBeta1;
  double beta2;
  double oneMinusBeta2;
  double stepSize;   // learning rate / (1 − β1^step)
  double rootScale;  // 1 / √(1 − β2^step)
  double epsilon;
};

struct TrainUpdateArgs {
  TrainGradientArgs from;
  TrainAdamArgs adam;
  int64_t features;
  int64_t rows;
  float* wEnc;            // [F, d]
  float* bEnc;            // [F]
  float* wDec;            // [F, d]
  float* firstMoment;     // [2·F·d + F + d]: W_enc, b_enc, W_dec, b_dec
  float* secondMoment;    // the same
  int64_t* sinceFired;    // [F]
  float* inputGradients;  // [blocks, d] receives Σ_f ∂b_enc[f]·W_enc[f] of each block of features
  float* rowScratch;      // [blocks, 2, d]; for cox_train_update_wide only
};

struct TrainBiasArgs {
  const float* error;           // [rows, d]
  const float* inputGradients;  // [blocks, d]
  int64_t rows;
  int64_t blocks;
  int64_t d;
  TrainAdamArgs adam;
  float* bDec;          // [d]
  float* firstMoment;   // [d] b_dec's
  float* secondMoment;  // [d]
  const TrainSums* sums;
};

namespace {

struct Adam {
  float beta1, oneMinusBeta1, beta2, oneMinusBeta2, stepSize, rootScale, epsilon;

  __device__ explicit Adam(const TrainAdamArgs& args)
      : beta1(static_cast<float>(args.beta1)),
        oneMinusBeta1(static_cast<float>(args.oneMinusBeta1)),
        beta2(static_cast<float>(args.beta2)),
        oneMinusBeta2(static_cast<float>(args.oneMinusBeta2)),
        stepSize(static_cast<float>(args.stepSize)),
        rootScale(static_cast<float>(args.rootScale)),
        epsilon(static_cast<float>(args.epsilon)) {}

  /** The weight after a step by gradient g; m and v are updated. */
  __device__ __forceinline__ float step(float g, float w, float& m, float& v) const {
    m = __fmaf_rn(beta1, m, __fmul_rn(oneMinusBeta1, g));
    v = __fmaf_rn(beta2, v, __fmul_rn(oneMinusBeta2, __fmul_rn(g, g)));
    const float root = __fmaf_rn(__fsqrt_rn(v), rootScale, epsilon);
    return __fmaf_rn(-stepSize, __fdiv_rn(m, root), w);
  }
};

/** Columns first, first + 256, … of a thread of cox_train_update that are worked on at once. */
constexpr int kColumns = 4;

/** sum[i] = Σ_j value(c[j], row_j, i, ·), j ascending. */
template <class Value>
__device__ __forceinline__ void sumPairs(const TrainPairs& pairs, Range range, const float* c,
                                         const Value& value, float (&sum)[kColumns]) {
#pragma unroll
  for (int i = 0; i < kColumns; ++i) sum[i] = 0.0f;
#pragma unroll 4
  for (int64_t j = range.from; j < range.to; ++j) {
    const float coefficient = c[j];
    const int64_t row = pairs.rows[j];
#pragma unroll
    for (int i = 0; i < kColumns; ++i) sum[i] = value(coefficient, row, i, sum[i]);
  }
}

/** g[i]: ∂loss/∂W_dec[f] of columns first + 256·i, with its part along W_dec[f]. */
__device__ __forceinline__ void decoderGradient(const TrainGradientArgs& args, const Feature& feature,
                                                int64_t first, float (&g)[kColumns]) {
  auto of = [&](const float* error) {
    return [=, &args](float c, int64_t row, int i, float sum) {
      const int64_t e = first + 256 * i;
      return e < args.d ? __fmaf_rn(c, error[row * args.d + e], sum) : sum;
    };
  };
  sumPairs(args.pairs, feature.main, args.pairs.a, of(args.error), g);
#pragma unroll
  for (int i = 0; i < kColumns; ++i) g[i] = __fmul_rn(g[i], feature.scale);
  if (!feature.hasAux) return;
  float more[kColumns];
  sumPairs(args.auxPairs, feature.aux, args.auxPairs.a, of(args.auxError), more);
#pragma unroll
  for (int i = 0; i < kColumns; ++i) g[i] = __fadd_rn(__fmul_rn(more[i], feature.auxScale), g[i]);
}

/** g[i]: ∂loss/∂W_enc[f] of columns first + 256·i. */
__device__ __forceinline__ void encoderGradient(const TrainGradientArgs& args, const Feature& feature,
                                                int64_t first, float (&g)[kColumns]) {
  float bDec[kColumns];
#pragma unroll
  for (int i = 0; i < kColumns; ++i) bDec[i] = first + 256 * i < args.d ? args.bDec[first + 256 * i] : 0.0f;
  auto centred = [&](float c, int64_t row, int i, float sum) {
    const int64_t e = first + 256 * i;
    return e < args.d ? __fmaf_rn(c, __fsub_rn(args.x[row * args.d + e], bDec[i]), sum) : sum;
  };
  sumPairs(args.pairs, feature.main, args.pairs.dz, centred, g);
  if (!feature.hasAux) return;
  float more[kColumns];
  sumPairs(args.auxPairs, feature.aux, args.auxPairs.dz, centred, more);
#pragma unroll
  for (int i = 0; i < kColumns; ++i) g[i] = __fadd_rn(more[i], g[i]);
}

/** Memory of a CTA for rows of d elements; a thread touches only columns that are its own. */
struct Rows {
  float* gradient;       // then the new weights
  float* weights;        // as before the step
  float* inputGradient;  // Σ ∂b_enc[f]·W_enc[f] so far
};

/** A row of weights and its moments. */
struct State {
  float* w;  // [d]
  float* m;
  float* v;

  __device__ __forceinline__ State(float* weights, const TrainUpdateArgs& args, int64_t moment, int64_t f)
      : w(weights + f * args.from.d),
        m(args.firstMoment + moment + f * args.from.d),
        v(args.secondMoment + moment + f * args.from.d) {}
};

/** kColumns columns of a row of floats in registers: all loads are under way before the first is needed. */
__device__ __forceinline__ void loadColumns(const float* row, int64_t first, int64_t d,
                                            float (&values)[kColumns]) {
#pragma unroll
  for (int i = 0; i < kColumns; ++i) values[i] = first + 256 * i < d ? row[first + 256 * i] : 0.0f;
}

__device__ __forceinline__ void storeColumns(const float (&values)[kColumns], int64_t first, int64_t d,
                                             float* row) {
#pragma unroll
  for (int i = 0; i < kColumns; ++i) {
    if (first + 256 * i < d) row[first + 256 * i] = values[i];
  }
}

/** Updates W_dec[f]: gradient without its part along the row, Adam, unit norm. */
__device__ __forceinline__ void updateDecoder(const TrainUpdateArgs& args, const Adam& adam,
                                              const Feature& feature, int64_t f, int32_t slot,
                                              const Rows& rows, float* shared) {
  const int64_t d = args.from.d;
  const State state(args.wDec, args, args.features * d + args.features, f);
  float sum = 0.0f;
  for (int64_t first = threadIdx.x; first < d; first += 256 * kColumns) {
    float w[kColumns], g[kColumns];
    loadColumns(state.w, first, d, w);
    if (slot < 0) {
      decoderGradient(args.from, feature, first, g);
    } else {
      loadColumns(args.from.hot.gradients + 2 * slot * d, first, d, g);
    }
#pragma unroll
    for (int i = 0; i < kColumns; ++i) {
      if (first + 256 * i < d) sum = __fmaf_rn(g[i], w[i], sum);
    }
    storeColumns(w, first, d, rows.weights);
    storeColumns(g, first, d, rows.gradient);
  }
  const float along = -reduceCta256(sum, shared);
  float squares = 0.0f;
  for (int64_t first = threadIdx.x; first < d; first += 256 * kColumns) {
    float w[kColumns], g[kColumns], m[kColumns], v[kColumns];
    loadColumns(state.m, first, d, m);
    loadColumns(state.v, first, d, v);
    loadColumns(rows.weights, first, d, w);
    loadColumns(rows.gradient, first, d, g);
#pragma unroll
    for (int i = 0; i < kColumns; ++i) {
      if (first + 256 * i >= d) break;
      w[i] = adam.step(__fmaf_rn(along, w[i], g[i]), w[i], m[i], v[i]);
      squares = __fmaf_rn(w[i], w[i], squares);
    }
    storeColumns(m, first, d, state.m);
    storeColumns(v, first, d, state.v);
    storeColumns(w, first, d, rows.gradient);
  }
  const float norm = __fsqrt_rn(reduceCta256(squares, shared));
  const float factor = __fdiv_rn(1.0f, norm);
  const bool usable = norm > 0.0f && factor > 0.0f && factor < __int_as_float(0x7f800000);
  for (int64_t e = threadIdx.x; e < d; e += 256) {
    state.w[e] = usable ? __fmul_rn(rows.gradient[e], factor) : rows.gradient[e];
  }
}

/** Updates W_enc[f], and adds its old row to b_dec's gradient. */
__device__ __forceinline__ void updateEncoder(const TrainUpdateArgs& args, const Adam& adam,
                                              const Feature& feature, int64_t f, int32_t slot, float bias,
                                              const Rows& rows) {
  const int64_t d = args.from.d;
  const State state(args.wEnc, args, 0, f);
  for (int64_t first = threadIdx.x; first < d; first += 256 * kColumns) {
    float w[kColumns], g[kColumns], m[kColumns], v[kColumns];
    loadColumns(state.w, first, d, w);
    loadColumns(state.m, first, d, m);
    loadColumns(state.v, first, d, v);
    if (slot < 0) {
      encoderGradient(args.from, feature, first, g);
    } else {
      loadColumns(args.from.hot.gradients + (2 * slot + 1) * d, first, d, g);
    }
#pragma unroll
    for (int i = 0; i < kColumns; ++i) {
      const int64_t e = first + 256 * i;
      if (e >= d) break;
      if (bias != 0.0f) rows.inputGradient[e] = __fmaf_rn(bias, w[i], rows.inputGradient[e]);
      w[i] = adam.step(g[i], w[i], m[i], v[i]);
    }
    storeColumns(w, first, d, state.w);
    storeColumns(m, first, d, state.m);
    storeColumns(v, first, d, state.v);
  }
}

/** Updates one parameter that stands alone. */
__device__ __forceinline__ void updateOne(const Adam& adam, float g, float* w, float* m, float* v) {
  float first = *m, second = *v;
  *w = adam.step(g, *w, first, second);
  *m = first;
  *v = second;
}

/** Updates a block of features, in order. */
__device__ __forceinline__ void updateBlock(const TrainUpdateArgs& args, const Rows& rows) {
  __shared__ float shared[32];
  const Adam adam(args.adam);
  const int64_t d = args.from.d;
  const int64_t begin = kFeaturesPerBlock * blockIdx.x;
  const int64_t end = begin + kFeaturesPerBlock < args.features ? begin + kFeaturesPerBlock : args.features;
  for (int64_t e = threadIdx.x; e < d; e += 256) rows.inputGradient[e] = 0.0f;
  for (int64_t f = begin; f < end; ++f) {
    const Feature feature(args.from, f);
    const int32_t slot = args.from.hot.slots[f];
    const float bias = slot < 0 ? biasGradient(args.from, feature) : args.from.hot.bias[slot];
    updateDecoder(args, adam, feature, f, slot, rows, shared);
    updateEncoder(args, adam, feature, f, slot, bias, rows);
    // Everyone has read how long the feature has not fired: there was a barrier in between.
    if (threadIdx.x == 0) {
      const int64_t moment = args.features * d + f;
      updateOne(adam, bias, args.bEnc + f, args.firstMoment + moment, args.secondMoment + moment);
      args.sinceFired[f] = feature.main.to > feature.main.from ? 0 : args.sinceFired[f] + args.rows;
    }
  }
}

}  // namespace
}  // namespace coxswain

using namespace coxswain;

/**
 * The whole state but b_dec, in one pass and without gradient tensors. A CTA of 256 threads a block of 32
 * features; thread t has columns t, t+256, …, and so the canonical accumulator t. 24 B a parameter (w, m, v
 * read and written) plus 8·d B a pair from L2; dynamic shared memory: 12·d B.
 */
extern "C" __global__ void __launch_bounds__(256)
    cox_train_update(const __grid_constant__ TrainUpdateArgs args) {
  extern __shared__ float memory[];
  const int64_t d = args.from.d;
  const Rows rows{memory, memory + d, memory + 2 * d};
  updateBlock(args, rows);
  for (int64_t e = threadIdx.x; e < d; e += 256)
    args.inputGradients[blockIdx.x * d + e] = rows.inputGradient[e];
}

/** cox_train_update for rows that do not fit shared memory. */
extern "C" __global__ void __launch_bounds__(256)
    cox_train_update_wide(const __grid_constant__ TrainUpdateArgs args) {
  const int64_t d = args.from.d;
  float* scratch = args.rowScratch + 2 * blockIdx.x * d;
  updateBlock(args, {scratch, scratch + d, args.inputGradients + blockIdx.x * d});
}

/**
 * b_dec's gradient (through x̂, and through the encoder's input) and Adam. 32 columns a CTA of 256 threads; 4
 * B an element of the errors and of W_enc / 32.
 */
extern "C" __global__ void __launch_bounds__(256) cox_train_bias(const __grid_constant__ TrainBiasArgs args) {
  __shared__ ColumnTile tile;
  const double errors = columnSum(args.error, args.rows, args.d, tile);
  const double input = columnSum(args.inputGradients, args.blocks, args.d, tile);
  const int64_t e = 32 * static_cast<int64_t>(blockIdx.x) + laneId();
  if (warpId() != 0 || e >= args.d) return;
  const double g = __dsub_rn(__dmul_rn(args.sums->scale, errors), input);
  updateOne(Adam(args.adam), static_cast<float>(g), args.bDec + e, args.firstMoment + e,
            args.secondMoment + e);
}
