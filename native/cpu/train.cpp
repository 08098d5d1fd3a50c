#include "cpu/train.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "cpu/decode_kernels.h"
#include "cpu/encode_kernels.h"
#include "cpu/scan.h"
#include "cpu/train_kernels.h"
#include "cpu/train_pairs.h"

namespace coxswain::cpu {

/** Memory of a step that the next one uses again. */
struct TrainScratch {
  std::vector<float> centred;         // [rows, stride] x − b_dec
  std::vector<float> error;           // [rows, stride] e = x − x̂
  std::vector<float> auxError;        // [rows, stride] e − ê
  std::vector<float> rowSquares;      // [rows]
  std::vector<RowState> states;       // [rows]
  std::vector<double> columns;        // [d]
  std::vector<float> mean;            // [d]
  std::vector<float> zeros;           // [d]
  std::vector<int32_t> dead;          // features
  std::vector<uint8_t> isDead;        // [F]
  std::vector<float> inputGradients;  // [blocks, d] Σ_f ∂loss/∂b_enc[f]·W_enc[f] of each block of features
  RowPairs pairs;
  RowPairs auxPairs;
  FeaturePairs byFeature;
  FeaturePairs auxByFeature;
};

namespace {

constexpr int64_t kRowsPerTask = 16;
constexpr int64_t kColumnsPerTask = 64;
/** Features whose part of b_dec's gradient is summed as one; also one task. */
constexpr int64_t kFeaturesPerBlock = 32;

int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

/** base^exponent by squaring: the same bits everywhere, unlike the C library's. */
double power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent >>= 1, base *= base) {
    if ((exponent & 1) != 0) result *= base;
  }
  return result;
}

AdamNumbers adamNumbers(const TrainNumbers& numbers) {
  double correction1 = 1 - power(numbers.beta1, numbers.step);
  double correction2 = 1 - power(numbers.beta2, numbers.step);
  return {numbers.beta1,
          static_cast<float>(1.0 - numbers.beta1),
          numbers.beta2,
          static_cast<float>(1.0 - numbers.beta2),
          static_cast<float>(numbers.learningRate / correction1),
          static_cast<float>(1 / std::sqrt(correction2)),
          numbers.epsilon};
}

/** One step at work. */
class Step {
 public:
  Step(Device& device, const TrainTensors& state, const TrainNumbers& numbers, const float* x, int64_t rows,
       TrainScratch& scratch)
      : device_(device),
        kernels_(trainKernels(device.isa)),
        state_(state),
        numbers_(numbers),
        x_(x),
        rows_(rows),
        stride_(divideUp(state.d, 16) * 16),
        s_(scratch) {}

  TrainReport run() {
    findDead();
    centre();
    double variance = sumRows();
    select(s_.pairs, nullptr, state_.features, numbers_.k);
    scale_ = variance > 0 ? static_cast<float>(-2 / variance) : 0.0f;
    reconstruct();
    double squaredError = sumRows();
    reconstructError(squaredError);
    s_.byFeature.sort(s_.pairs, state_.features);
    update();
    return report(squaredError, variance);
  }

 private:
  template <class Body>
  void eachRow(const Body& body) {
    device_.pool.run(divideUp(rows_, kRowsPerTask), [&](int64_t task) {
      int64_t end = std::min(rows_, (task + 1) * kRowsPerTask);
      for (int64_t row = task * kRowsPerTask; row < end; ++row) body(row);
    });
  }

  double sumRows() const {
    double sum = 0;
    for (int64_t row = 0; row < rows_; ++row) sum += s_.rowSquares[row];
    return sum;
  }

  void findDead() {
    s_.dead.clear();
    s_.isDead.assign(state_.features, 0);
    for (int64_t f = 0; f < state_.features; ++f) {
      if (state_.sinceFired[f] < numbers_.deadAfter) continue;
      s_.isDead[f] = 1;
      s_.dead.push_back(static_cast<int32_t>(f));
    }
  }

  /** Column sums in double, each column's rows in ascending order. */
  void sumColumns(const float* rows, int64_t stride) {
    s_.columns.resize(state_.d);
    device_.pool.run(divideUp(state_.d, kColumnsPerTask), [&](int64_t task) {
      int64_t to = std::min(state_.d, (task + 1) * kColumnsPerTask);
      kernels_.columnSums(rows, rows_, stride, task * kColumnsPerTask, to, s_.columns.data());
    });
  }

  /** x − b_dec, and each row's squared distance from the mean row. */
  void centre() {
    sumColumns(x_, state_.d);
    s_.mean.resize(state_.d);
    for (int64_t e = 0; e < state_.d; ++e) s_.mean[e] = static_cast<float>(s_.columns[e] / rows_);
    s_.centred.resize(rows_ * stride_);
    s_.states.resize(rows_);
    s_.rowSquares.resize(rows_);
    const EncodeKernels& encode = encodeKernels(device_.isa);
    eachRow([&](int64_t row) {
      float shiftScale[2];
      const float* x = x_ + row * state_.d;
      RowInput input{x, Dtype::kF32, state_.d, Normalization::kNone, state_.bDec};
      s_.states[row] = encode.prepare(input, &s_.centred[row * stride_], shiftScale);
      s_.rowSquares[row] = kernels_.squaredDistance(x, s_.mean.data(), state_.d);
    });
  }

  void select(RowPairs& pairs, const int32_t* subset, int64_t features, int64_t k) {
    pairs.reset(rows_, k);
    ScanCall scan{};
    scan.x = s_.centred.data();
    scan.rows = rows_;
    scan.xStride = stride_;
    scan.weights = {state_.wEnc, state_.bEnc, subset, state_.d};
    scan.features = features;
    scan.limit = k;
    scan.states = s_.states.data();
    scanFeatures(device_, scan,
                 [&](int64_t row, const uint64_t* keys, int64_t count) { pairs.setRow(row, keys, count); });
  }

  /** Σ a·W_dec + bias of a row's pairs. */
  void decodeRow(const RowPairs& pairs, int64_t row, const float* bias, float* out) const {
    int64_t first = row * pairs.places;
    decodeKernels(device_.isa)
        .decodeRow({pairs.a.data() + first, pairs.features.data() + first, pairs.counts[row], state_.wDec,
                    bias, state_.d, false, 0.0f, 1.0f, out, Dtype::kF32});
  }

  /** ∂loss/∂z of a row's pairs, where ∂loss/∂x̂ = scale · error. */
  void differentiate(RowPairs& pairs, int64_t row, const float* error, float scale) {
    int64_t first = row * pairs.places;
    for (int64_t i = first; i < first + pairs.counts[row]; ++i) {
      pairs.dz[i] = scale * kernels_.dot(error, state_.wDec + pairs.features[i] * state_.d, state_.d);
    }
  }

  void reconstruct() {
    s_.error.resize(rows_ * stride_);
    eachRow([&](int64_t row) {
      float* error = &s_.error[row * stride_];
      decodeRow(s_.pairs, row, state_.bDec, error);
      s_.rowSquares[row] = kernels_.subtract(x_ + row * state_.d, error, state_.d, error);
      differentiate(s_.pairs, row, error, scale_);
    });
  }

  /** AuxK: the error rebuilt from dead features. */
  void reconstructError(double squaredError) {
    aux_ = !s_.dead.empty() && numbers_.kAux > 0 && squaredError > 0;
    if (!aux_) return;
    int64_t deadCount = static_cast<int64_t>(s_.dead.size());
    select(s_.auxPairs, s_.dead.data(), deadCount, std::min(numbers_.kAux, deadCount));
    auxScale_ = static_cast<float>(-2 * static_cast<double>(numbers_.auxCoefficient) / squaredError);
    s_.zeros.assign(state_.d, 0.0f);
    s_.auxError.resize(rows_ * stride_);
    eachRow([&](int64_t row) {
      float* auxError = &s_.auxError[row * stride_];
      decodeRow(s_.auxPairs, row, s_.zeros.data(), auxError);
      s_.rowSquares[row] = kernels_.subtract(&s_.error[row * stride_], auxError, state_.d, auxError);
      differentiate(s_.auxPairs, row, auxError, auxScale_);
    });
    auxLoss_ = sumRows() / squaredError;
    s_.auxByFeature.sort(s_.auxPairs, state_.features);
  }

  /** Gradients, Adam and the decoder's unit norm, feature by feature; then b_dec. */
  void update() {
    adam_ = adamNumbers(numbers_);
    int64_t blocks = divideUp(state_.features, kFeaturesPerBlock);
    s_.inputGradients.assign(blocks * state_.d, 0.0f);
    device_.pool.run(blocks, [&](int64_t block) {
      std::vector<float> gradient(2 * stride_);
      int64_t end = std::min(state_.features, (block + 1) * kFeaturesPerBlock);
      for (int64_t f = block * kFeaturesPerBlock; f < end; ++f) {
        updateFeature(f, &s_.inputGradients[block * state_.d], gradient.data());
      }
    });
    updateBDec(blocks);
  }

  void updateFeature(int64_t f, float* inputGradient, float* gradient) {
    int64_t matrix = state_.features * state_.d;
    int64_t row = f * state_.d;
    float biasGradient = sumDz(s_.byFeature, f) + (deadAux(f) ? sumDz(s_.auxByFeature, f) : 0.0f);
    if (biasGradient != 0.0f) kernels_.addScaled(biasGradient, state_.wEnc + row, state_.d, inputGradient);
    decoderGradient(f, gradient);
    adam(gradient, state_.d, state_.wDec + row, matrix + state_.features + row);
    kernels_.normalize(state_.wDec + row, state_.d);
    encoderGradient(f, gradient);
    adam(gradient, state_.d, state_.wEnc + row, row);
    adam(&biasGradient, 1, state_.bEnc + f, matrix + f);
    state_.sinceFired[f] = s_.byFeature.count(f) > 0 ? 0 : state_.sinceFired[f] + rows_;
  }

  bool deadAux(int64_t f) const { return aux_ && s_.isDead[f] != 0; }

  static float sumDz(const FeaturePairs& pairs, int64_t f) {
    float sum = 0.0f;
    for (int64_t i = pairs.begin[f]; i < pairs.begin[f + 1]; ++i) sum += pairs.dz[i];
    return sum;
  }

  void sumPairs(const FeaturePairs& pairs, const std::vector<float>& coefficients, int64_t f,
                const float* base, float scale, float* out) const {
    int64_t first = pairs.begin[f];
    kernels_.rowSum({coefficients.data() + first, pairs.rows.data() + first, pairs.count(f), base, stride_,
                     state_.d, scale},
                    out);
  }

  /** ∂loss/∂W_dec[f] without its part along W_dec[f]. */
  void decoderGradient(int64_t f, float* gradient) const {
    sumPairs(s_.byFeature, s_.byFeature.a, f, s_.error.data(), scale_, gradient);
    if (deadAux(f)) {
      float* more = gradient + stride_;
      sumPairs(s_.auxByFeature, s_.auxByFeature.a, f, s_.auxError.data(), auxScale_, more);
      kernels_.addScaled(1.0f, more, state_.d, gradient);
    }
    const float* w = state_.wDec + f * state_.d;
    kernels_.addScaled(-kernels_.dot(gradient, w, state_.d), w, state_.d, gradient);
  }

  void encoderGradient(int64_t f, float* gradient) const {
    sumPairs(s_.byFeature, s_.byFeature.dz, f, s_.centred.data(), 1.0f, gradient);
    if (deadAux(f)) {
      float* more = gradient + stride_;
      sumPairs(s_.auxByFeature, s_.auxByFeature.dz, f, s_.centred.data(), 1.0f, more);
      kernels_.addScaled(1.0f, more, state_.d, gradient);
    }
  }

  void adam(const float* gradient, int64_t count, float* w, int64_t moment) const {
    kernels_.adam(adam_, gradient, count, w, state_.firstMoment + moment, state_.secondMoment + moment);
  }

  /** b_dec stands in x̂ and in the encoder's input x − b_dec: it has both gradients. */
  void updateBDec(int64_t blocks) {
    sumColumns(s_.error.data(), stride_);
    std::vector<float> gradient(state_.d);
    for (int64_t e = 0; e < state_.d; ++e) {
      double input = 0;
      for (int64_t block = 0; block < blocks; ++block) input += s_.inputGradients[block * state_.d + e];
      gradient[e] = static_cast<float>(scale_ * s_.columns[e] - input);
    }
    adam(gradient.data(), state_.d, state_.bDec, 2 * state_.features * state_.d + state_.features);
  }

  TrainReport report(double squaredError, double variance) const {
    TrainReport report;
    report.fvu = variance > 0 ? squaredError / variance : 0;
    report.auxLoss = auxLoss_;
    report.loss = report.fvu + static_cast<double>(numbers_.auxCoefficient) * auxLoss_;
    report.activeFeatures = s_.byFeature.begin[state_.features];
    report.deadFeatures = static_cast<int64_t>(s_.dead.size());
    return report;
  }

  Device& device_;
  const TrainKernels& kernels_;
  const TrainTensors& state_;
  const TrainNumbers& numbers_;
  const float* x_;
  int64_t rows_;
  int64_t stride_;
  TrainScratch& s_;
  AdamNumbers adam_{};
  float scale_ = 0;     // ∂loss/∂x̂ = scale · e
  float auxScale_ = 0;  // ∂loss/∂ê = auxScale · (e − ê)
  bool aux_ = false;
  double auxLoss_ = 0;
};

}  // namespace

TrainReport trainStep(Device& device, const TrainTensors& state, const TrainNumbers& numbers, const float* x,
                      int64_t rows) {
  std::shared_ptr<TrainScratch> scratch = device.takeTrainScratch();
  if (scratch == nullptr) scratch = std::make_shared<TrainScratch>();
  TrainReport report = Step(device, state, numbers, x, rows, *scratch).run();
  device.keepTrainScratch(scratch);
  return report;
}

const TrainKernels& trainKernels(Isa isa) {
#ifndef COX_PORTABLE_ONLY
  if (isa == Isa::kAvx512) return kTrainAvx512;
  if (isa == Isa::kAvx2) return kTrainAvx2;
#endif
  return kTrainPortable;
}

}  // namespace coxswain::cpu
