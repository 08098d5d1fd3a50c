// The inner loops of training, one instance an instruction set.
#pragma once

#include <cstdint>

#include "cpu/dot.h"
#include "cpu/isa.h"
#include "cpu/rows.h"

namespace coxswain::cpu {

/** out[e] = scale · Σ_j coefficient[j]·base[rows[j]·stride + e], j ascending. */
struct RowSum {
  const float* coefficients;  // [count]
  const int32_t* rows;        // [count]
  int64_t count;
  const float* base;  // rows, stride floats apart
  int64_t stride;
  int64_t d;
  float scale;
};

/** Adam's numbers of a step, bias corrections included. */
struct AdamNumbers {
  float beta1;
  float oneMinusBeta1;
  float beta2;
  float oneMinusBeta2;
  float stepSize;   // learning rate / (1 − β1^step)
  float rootScale;  // 1 / √(1 − β2^step)
  float epsilon;
};

struct TrainKernels {
  float (*dot)(const float* u, const float* w, int64_t d);

  /** ‖u − w‖². */
  float (*squaredDistance)(const float* u, const float* w, int64_t d);

  /** out = u − w; returns ‖out‖². */
  float (*subtract)(const float* u, const float* w, int64_t d, float* out);

  /** sums[c] = Σ of column c over the rows ascending, c in [from, to). */
  void (*columnSums)(const float* rows, int64_t count, int64_t stride, int64_t from, int64_t to,
                     double* sums);

  void (*rowSum)(const RowSum& sum, float* out);

  /** sum = sum + s·u. */
  void (*addScaled)(float s, const float* u, int64_t d, float* sum);

  /** m, v and w [d] by gradient g [d]. */
  void (*adam)(const AdamNumbers& numbers, const float* g, int64_t d, float* w, float* m, float* v);

  /** w [d] scaled to norm 1; left as it is where it has no finite positive norm. */
  void (*normalize)(float* w, int64_t d);
};

const TrainKernels& trainKernels(Isa isa);
extern const TrainKernels kTrainPortable;
extern const TrainKernels kTrainAvx2;
extern const TrainKernels kTrainAvx512;

template <class V>
struct DistanceStep {
  const float* u;
  const float* w;
  V full(const V& acc, int64_t e) const {
    V difference = V::load(u + e) - V::load(w + e);
    return V::fma(difference, difference, acc);
  }
  V tail(const V& acc, int64_t e, int n) const {
    V difference = V::loadTail(u + e, n) - V::loadTail(w + e, n);
    return V::fmaTail(difference, difference, acc, n);
  }
};

template <class V>
struct TrainLoops {
  static constexpr int64_t kColumns = 64;

  static V at(const float* p, int64_t e, int n) { return n == 16 ? V::load(p + e) : V::loadTail(p + e, n); }

  static void put(const V& v, float* p, int64_t e, int n) {
    if (n == 16) {
      v.store(p + e);
    } else {
      v.storeTail(p + e, n);
    }
  }

  static float dotOf(const float* u, const float* w, int64_t d) { return dot<V>(u, w, d); }

  static float squaredDistance(const float* u, const float* w, int64_t d) {
    return canonicalSum<V>(d, DistanceStep<V>{u, w});
  }

  static float subtract(const float* u, const float* w, int64_t d, float* out) {
    for (int64_t e = 0; e < d; e += 16) {
      int n = lanesFrom(e, d);
      put(at(u, e, n) - at(w, e, n), out, e, n);
    }
    return dot<V>(out, out, d);
  }

  static void columnSums(const float* rows, int64_t count, int64_t stride, int64_t from, int64_t to,
                         double* sums) {
    for (int64_t first = from; first < to; first += kColumns) {
      int64_t columns = to - first < kColumns ? to - first : kColumns;
      double* out = sums + first;
      for (int64_t c = 0; c < columns; ++c) out[c] = 0;
      for (int64_t row = 0; row < count; ++row) {
        const float* in = rows + row * stride + first;
        for (int64_t c = 0; c < columns; ++c) out[c] += static_cast<double>(in[c]);
      }
    }
  }

  static void rowSum(const RowSum& sum, float* out) {
    int64_t e = 0;
    for (; e + 16 * V::kLive <= sum.d; e += 16 * V::kLive) {
      V acc[V::kLive];
      for (int i = 0; i < V::kLive; ++i) acc[i] = V::zero();
      for (int64_t j = 0; j < sum.count; ++j) {
        const float* row = sum.base + sum.rows[j] * sum.stride + e;
        const V coefficient = V::broadcast(sum.coefficients[j]);
#pragma GCC unroll 16
        for (int i = 0; i < V::kLive; ++i) acc[i] = V::fma(coefficient, V::load(row + 16 * i), acc[i]);
      }
      for (int i = 0; i < V::kLive; ++i) (acc[i] * V::broadcast(sum.scale)).store(out + e + 16 * i);
    }
    for (; e < sum.d; e += 16) {
      int n = lanesFrom(e, sum.d);
      V acc = V::zero();
      for (int64_t j = 0; j < sum.count; ++j) {
        const float* row = sum.base + sum.rows[j] * sum.stride;
        acc = V::fma(V::broadcast(sum.coefficients[j]), at(row, e, n), acc);
      }
      put(acc * V::broadcast(sum.scale), out, e, n);
    }
  }

  static void addScaled(float s, const float* u, int64_t d, float* sum) {
    for (int64_t e = 0; e < d; e += 16) {
      int n = lanesFrom(e, d);
      put(V::fma(V::broadcast(s), at(u, e, n), at(sum, e, n)), sum, e, n);
    }
  }

  static void adam(const AdamNumbers& numbers, const float* g, int64_t d, float* w, float* m, float* v) {
    for (int64_t e = 0; e < d; e += 16) {
      int n = lanesFrom(e, d);
      V gradient = at(g, e, n);
      V first =
          V::fma(V::broadcast(numbers.beta1), at(m, e, n), V::broadcast(numbers.oneMinusBeta1) * gradient);
      V square = gradient * gradient;
      V second =
          V::fma(V::broadcast(numbers.beta2), at(v, e, n), V::broadcast(numbers.oneMinusBeta2) * square);
      V root = V::fma(V::sqrt(second), V::broadcast(numbers.rootScale), V::broadcast(numbers.epsilon));
      put(V::fma(V::broadcast(-numbers.stepSize), first / root, at(w, e, n)), w, e, n);
      put(first, m, e, n);
      put(second, v, e, n);
    }
  }

  static void normalize(float* w, int64_t d) {
    float norm = __builtin_sqrtf(dot<V>(w, w, d));
    float factor = 1.0f / norm;
    if (!(norm > 0.0f && factor > 0.0f && factor < __builtin_inff())) return;
    for (int64_t e = 0; e < d; e += 16) {
      int n = lanesFrom(e, d);
      put(at(w, e, n) * V::broadcast(factor), w, e, n);
    }
  }

  static constexpr TrainKernels table() {
    return {dotOf, squaredDistance, subtract, columnSums, rowSum, addScaled, adam, normalize};
  }
};

}  // namespace coxswain::cpu
