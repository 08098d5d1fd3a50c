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

/** A number of columns, first, first + 256, …, that a thread has in registers at once. */
template <int kN>
struct Columns {
  static constexpr int n = kN;
};

/** body(Columns<N>, first) for all columns of a thread of 256: by fours, so that loads are under way
 * together. */
template <class Body>
__device__ __forceinline__ void eachColumns(int d, const Body& body) {
  int first = static_cast<int>(threadIdx.x);
  for (; first + 3 * 256 < d; first += 4 * 256) body(Columns<4>{}, first);
  if (first + 256 < d) {
    body(Columns<2>{}, first);
    first += 2 * 256;
  }
  if (first < d) body(Columns<1>{}, first);
}

template <int kN>
__device__ __forceinline__ void load(const float* row, float (&values)[kN]) {
#pragma unroll
  for (int i = 0; i < kN; ++i) values[i] = row[256 * i];
}

template <int kN>
__device__ __forceinline__ void store(const float (&values)[kN], float* row) {
#pragma unroll
  for (int i = 0; i < kN; ++i) row[256 * i] = values[i];
}

/** sum[i] = Σ_j c[j]·(rows[row_j][first + 256·i] − less[i]), j ascending, fused; kLess: less is subtracted.
 */
template <bool kLess, int kN>
__device__ __forceinline__ void sumPairs(const TrainPairs& pairs, Range range, const float* c,
                                         const float* rows, int d, int first, const float (&less)[kN],
                                         float (&sum)[kN]) {
#pragma unroll
  for (int i = 0; i < kN; ++i) sum[i] = 0.0f;
  const int count = static_cast<int>(range.to - range.from);
  const float* coefficients = c + range.from;
  const int32_t* numbers = pairs.rows + range.from;
#pragma unroll 4
  for (int j = 0; j < count; ++j) {
    const float coefficient = coefficients[j];
    const float* row = rowAt(rows + first, numbers[j], 4 * d);
#pragma unroll
    for (int i = 0; i < kN; ++i) {
      const float value = kLess ? __fsub_rn(row[256 * i], less[i]) : row[256 * i];
      sum[i] = __fmaf_rn(coefficient, value, sum[i]);
    }
  }
}

/** g: ∂loss/∂W_dec[f] in some columns, with its part along W_dec[f]. */
template <int kN>
__device__ __forceinline__ void decoderGradient(const TrainGradientArgs& args, const Feature& feature,
                                                int first, float (&g)[kN]) {
  const int d = static_cast<int>(args.d);
  sumPairs<false>(args.pairs, feature.main, args.pairs.a, args.error, d, first, g, g);
#pragma unroll
  for (int i = 0; i < kN; ++i) g[i] = __fmul_rn(g[i], feature.scale);
  if (!feature.hasAux) return;
  float more[kN];
  sumPairs<false>(args.auxPairs, feature.aux, args.auxPairs.a, args.auxError, d, first, more, more);
#pragma unroll
  for (int i = 0; i < kN; ++i) g[i] = __fadd_rn(__fmul_rn(more[i], feature.auxScale), g[i]);
}

/** g: ∂loss/∂W_enc[f] in some columns. */
template <int kN>
__device__ __forceinline__ void encoderGradient(const TrainGradientArgs& args, const Feature& feature,
                                                int first, float (&g)[kN]) {
  const int d = static_cast<int>(args.d);
  float bDec[kN];
  load(args.bDec + first, bDec);
  sumPairs<true>(args.pairs, feature.main, args.pairs.dz, args.x, d, first, bDec, g);
  if (!feature.hasAux) return;
  float more[kN];
  sumPairs<true>(args.auxPairs, feature.aux, args.auxPairs.dz, args.x, d, first, bDec, more);
#pragma unroll
  for (int i = 0; i < kN; ++i) g[i] = __fadd_rn(more[i], g[i]);
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

/** Updates W_dec[f]: gradient without its part along the row, Adam, unit norm. */
__device__ __forceinline__ void updateDecoder(const TrainUpdateArgs& args, const Adam& adam,
                                              const Feature& feature, int64_t f, int32_t slot,
                                              const Rows& rows, float* shared) {
  const int d = static_cast<int>(args.from.d);
  const State state(args.wDec, args, args.features * d + args.features, f);
  const float* ahead = args.from.hot.gradients + 2 * static_cast<int64_t>(slot) * d;
  float sum = 0.0f;
  eachColumns(d, [&](auto columns, int first) {
    constexpr int kN = decltype(columns)::n;
    float w[kN], g[kN];
    load(state.w + first, w);
    if (slot < 0) {
      decoderGradient(args.from, feature, first, g);
    } else {
      load(ahead + first, g);
    }
#pragma unroll
    for (int i = 0; i < kN; ++i) sum = __fmaf_rn(g[i], w[i], sum);
    store(w, rows.weights + first);
    store(g, rows.gradient + first);
  });
  const float along = -reduceCta256(sum, shared);
  float squares = 0.0f;
  eachColumns(d, [&](auto columns, int first) {
    constexpr int kN = decltype(columns)::n;
    float w[kN], g[kN], m[kN], v[kN];
    load(state.m + first, m);
    load(state.v + first, v);
    load(rows.weights + first, w);
    load(rows.gradient + first, g);
#pragma unroll
    for (int i = 0; i < kN; ++i) {
      w[i] = adam.step(__fmaf_rn(along, w[i], g[i]), w[i], m[i], v[i]);
      squares = __fmaf_rn(w[i], w[i], squares);
    }
    store(m, state.m + first);
    store(v, state.v + first);
    store(w, rows.gradient + first);
  });
  const float norm = __fsqrt_rn(reduceCta256(squares, shared));
  const float factor = __fdiv_rn(1.0f, norm);
  const bool usable = norm > 0.0f && factor > 0.0f && factor < __int_as_float(0x7f800000);
  for (int e = static_cast<int>(threadIdx.x); e < d; e += 256) {
    state.w[e] = usable ? __fmul_rn(rows.gradient[e], factor) : rows.gradient[e];
  }
}

/** Updates W_enc[f], and adds its old row to b_dec's gradient. */
__device__ __forceinline__ void updateEncoder(const TrainUpdateArgs& args, const Adam& adam,
                                              const Feature& feature, int64_t f, int32_t slot, float bias,
                                              const Rows& rows) {
  const int d = static_cast<int>(args.from.d);
  const State state(args.wEnc, args, 0, f);
  const float* ahead = args.from.hot.gradients + (2 * static_cast<int64_t>(slot) + 1) * d;
  eachColumns(d, [&](auto columns, int first) {
    constexpr int kN = decltype(columns)::n;
    float w[kN], g[kN], m[kN], v[kN];
    load(state.w + first, w);
    load(state.m + first, m);
    load(state.v + first, v);
    if (slot < 0) {
      encoderGradient(args.from, feature, first, g);
    } else {
      load(ahead + first, g);
    }
    if (bias != 0.0f) {
      float sum[kN];
      load(rows.inputGradient + first, sum);
#pragma unroll
      for (int i = 0; i < kN; ++i) sum[i] = __fmaf_rn(bias, w[i], sum[i]);
      store(sum, rows.inputGradient + first);
    }
#pragma unroll
    for (int i = 0; i < kN; ++i) w[i] = adam.step(g[i], w[i], m[i], v[i]);
    store(w, state.w + first);
    store(m, state.m + first);
    store(v, state.v + first);
  });
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
