// Training, the way back (docs/design.md, training, 4 and 5): gradients, Adam and the decoder's unit norm in
// one pass over the state, then b_dec.
#include <cstdint>

#include "train_gradient.cuh"
#include "train_units.cuh"

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

/** sum = Σ_j c[j]·(row_j − less), j ascending, fused; rows begin at column 0. */
template <bool kLess, bool kQuads, int kN>
__device__ __forceinline__ void sumPairs(const TrainPairs& pairs, Range range, const float* c,
                                         const float* rows, int d, int at, const Units<kQuads, kN>& less,
                                         Units<kQuads, kN>& sum) {
  sum.clear();
  const int count = static_cast<int>(range.to - range.from);
  const float* coefficients = c + range.from;
  const int32_t* numbers = pairs.rows + range.from;
#pragma unroll 8 / kN
  for (int pair = 0; pair < count; ++pair) {
    const float coefficient = coefficients[pair];
    Units<kQuads, kN> row;
    row.load(rowAt(rows + at, numbers[pair], 4 * d), d - at);
    sum.map([&](float v, int i, int j) {
      return __fmaf_rn(coefficient, kLess ? __fsub_rn(row.v[i][j], less.v[i][j]) : row.v[i][j], v);
    });
  }
}

/** g: ∂loss/∂W_dec[f] in some columns, with its part along W_dec[f]. */
template <bool kQuads, int kN>
__device__ __forceinline__ void decoderGradient(const TrainGradientArgs& args, const Feature& feature, int at,
                                                Units<kQuads, kN>& g) {
  const int d = static_cast<int>(args.d);
  sumPairs<false>(args.pairs, feature.main, args.pairs.a, args.error, d, at, g, g);
  g.map([&](float v, int, int) { return __fmul_rn(v, feature.scale); });
  if (!feature.hasAux) return;
  Units<kQuads, kN> more;
  sumPairs<false>(args.auxPairs, feature.aux, args.auxPairs.a, args.auxError, d, at, more, more);
  g.map([&](float v, int i, int j) { return __fadd_rn(__fmul_rn(more.v[i][j], feature.auxScale), v); });
}

/** g: ∂loss/∂W_enc[f] in some columns. */
template <bool kQuads, int kN>
__device__ __forceinline__ void encoderGradient(const TrainGradientArgs& args, const Feature& feature, int at,
                                                Units<kQuads, kN>& g) {
  const int d = static_cast<int>(args.d);
  Units<kQuads, kN> bDec;
  bDec.load(args.bDec + at, d - at);
  sumPairs<true>(args.pairs, feature.main, args.pairs.dz, args.x, d, at, bDec, g);
  if (!feature.hasAux) return;
  Units<kQuads, kN> more;
  sumPairs<true>(args.auxPairs, feature.aux, args.auxPairs.dz, args.x, d, at, bDec, more);
  g.map([&](float v, int i, int j) { return __fadd_rn(more.v[i][j], v); });
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

/** Updates W_dec[f]: gradient without its part along the row, Adam, unit norm. shared: [2][64]. */
template <bool kQuads>
__device__ __forceinline__ void updateDecoder(const TrainUpdateArgs& args, const Adam& adam,
                                              const Feature& feature, int64_t f, int32_t slot,
                                              const Rows& rows, float* shared) {
  const int d = static_cast<int>(args.from.d);
  const State state(args.wDec, args, args.features * d + args.features, f);
  const float* ahead = args.from.hot.gradients + 2 * static_cast<int64_t>(slot) * d;
  float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
  eachUnits<kQuads>(d, [&](auto w, int at, int left) {
    auto g = w;
    w.load(state.w + at, left);
    if (slot < 0) {
      decoderGradient(args.from, feature, at, g);
    } else {
      g.load(ahead + at, left);
    }
    w.store(left, rows.weights + at);
    g.store(left, rows.gradient + at);
    w.map([&](float weight, int i, int j) {
      if (kQuads || left > 256 * i + 64 * j) sum[j] = __fmaf_rn(g.v[i][j], weight, sum[j]);
      return weight;
    });
  });
  const float along = -Layout<kQuads>::reduce(sum, shared);
  float squares[4] = {0.0f, 0.0f, 0.0f, 0.0f};
  eachUnits<kQuads>(d, [&](auto w, int at, int left) {
    auto g = w, m = w, v = w;
    m.load(state.m + at, left);
    v.load(state.v + at, left);
    w.load(rows.weights + at, left);
    g.load(rows.gradient + at, left);
    w.map([&](float weight, int i, int j) {
      const float next = adam.step(__fmaf_rn(along, weight, g.v[i][j]), weight, m.v[i][j], v.v[i][j]);
      if (kQuads || left > 256 * i + 64 * j) squares[j] = __fmaf_rn(next, next, squares[j]);
      return next;
    });
    m.store(left, state.m + at);
    v.store(left, state.v + at);
    w.store(left, rows.gradient + at);
  });
  const float norm = __fsqrt_rn(Layout<kQuads>::reduce(squares, shared + 64));
  const float factor = __fdiv_rn(1.0f, norm);
  const bool usable = norm > 0.0f && factor > 0.0f && factor < __int_as_float(0x7f800000);
  eachUnits<kQuads>(d, [&](auto w, int at, int left) {
    w.load(rows.gradient + at, left);
    w.map([&](float weight, int, int) { return usable ? __fmul_rn(weight, factor) : weight; });
    w.store(left, state.w + at);
  });
}

/** Updates W_enc[f], and adds its old row to b_dec's gradient. */
template <bool kQuads>
__device__ __forceinline__ void updateEncoder(const TrainUpdateArgs& args, const Adam& adam,
                                              const Feature& feature, int64_t f, int32_t slot, float bias,
                                              const Rows& rows) {
  const int d = static_cast<int>(args.from.d);
  const State state(args.wEnc, args, 0, f);
  const float* ahead = args.from.hot.gradients + (2 * static_cast<int64_t>(slot) + 1) * d;
  eachUnits<kQuads>(d, [&](auto w, int at, int left) {
    auto g = w, m = w, v = w;
    w.load(state.w + at, left);
    m.load(state.m + at, left);
    v.load(state.v + at, left);
    if (slot < 0) {
      encoderGradient(args.from, feature, at, g);
    } else {
      g.load(ahead + at, left);
    }
    if (bias != 0.0f) {
      auto sum = w;
      sum.load(rows.inputGradient + at, left);
      sum.map([&](float before, int i, int j) { return __fmaf_rn(bias, w.v[i][j], before); });
      sum.store(left, rows.inputGradient + at);
    }
    w.map([&](float weight, int i, int j) { return adam.step(g.v[i][j], weight, m.v[i][j], v.v[i][j]); });
    w.store(left, state.w + at);
    m.store(left, state.m + at);
    v.store(left, state.v + at);
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
template <bool kQuads>
__device__ __forceinline__ void updateBlock(const TrainUpdateArgs& args, const Rows& rows) {
  __shared__ float shared[2 * 64];
  const Adam adam(args.adam);
  const int64_t d = args.from.d;
  const int64_t begin = kFeaturesPerBlock * blockIdx.x;
  const int64_t end = begin + kFeaturesPerBlock < args.features ? begin + kFeaturesPerBlock : args.features;
  eachUnits<kQuads>(static_cast<int>(d), [&](auto zero, int at, int left) {
    zero.clear();
    zero.store(left, rows.inputGradient + at);
  });
  for (int64_t f = begin; f < end; ++f) {
    const Feature feature(args.from, f);
    const int32_t slot = args.from.hot.slots[f];
    const float bias = slot < 0 ? biasGradient(args.from, feature) : args.from.hot.bias[slot];
    updateDecoder<kQuads>(args, adam, feature, f, slot, rows, shared);
    updateEncoder<kQuads>(args, adam, feature, f, slot, bias, rows);
    // Everyone has read how long the feature has not fired: there was a barrier in between.
    if (threadIdx.x == 0) {
      const int64_t moment = args.features * d + f;
      updateOne(adam, bias, args.bEnc + f, args.firstMoment + moment, args.secondMoment + moment);
      args.sinceFired[f] = feature.main.to > feature.main.from ? 0 : args.sinceFired[f] + args.rows;
    }
  }
}

/** updateBlock with the CTA's rows in shared memory. */
template <bool kQuads>
__device__ __forceinline__ void updateShared(const TrainUpdateArgs& args) {
  extern __shared__ float4 memory[];
  const int64_t d = args.from.d;
  float* row = reinterpret_cast<float*>(memory);
  const Rows rows{row, row + d, row + 2 * d};
  updateBlock<kQuads>(args, rows);
  eachUnits<kQuads>(static_cast<int>(d), [&](auto sum, int at, int left) {
    sum.load(rows.inputGradient + at, left);
    sum.store(left, args.inputGradients + blockIdx.x * d + at);
  });
}

}  // namespace
}  // namespace coxswain

using namespace coxswain;

/**
 * The whole state but b_dec, in one pass and without gradient tensors. A CTA of 64 threads a block of 32
 * features: few threads with much in flight, so that what all of them must know of a feature and a pair costs
 * little. 24 B a parameter (w, m, v read and written) plus 8·d B a pair from L2; dynamic shared memory 12·d
 * B. For rows that all begin at 16 bytes. 165 registers; at d = 4,096 four CTAs a multiprocessor, some 48 KiB
 * under way.
 */
extern "C" __global__ void __launch_bounds__(64)
    cox_train_update(const __grid_constant__ TrainUpdateArgs args) {
  updateShared<true>(args);
}

/** cox_train_update for any rows. */
extern "C" __global__ void __launch_bounds__(64)
    cox_train_update_any(const __grid_constant__ TrainUpdateArgs args) {
  updateShared<false>(args);
}

/** cox_train_update for any rows, also those that do not fit shared memory. */
extern "C" __global__ void __launch_bounds__(64)
    cox_train_update_wide(const __grid_constant__ TrainUpdateArgs args) {
  const int64_t d = args.from.d;
  float* scratch = args.rowScratch + 2 * blockIdx.x * d;
  updateBlock<false>(args, {scratch, scratch + d, args.inputGradients + blockIdx.x * d});
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
