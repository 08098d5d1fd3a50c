// The steering update of a tile of rows (docs/design.md, steering), in pieces that know nothing of how work
// is shared out: steer.cu runs them all in one CTA, steer_wide.cu one a launch. Bits are those of
// native/cpu/steer_kernels.h.
#pragma once

#include "common/reduce.cuh"
#include "common/rows.cuh"

namespace coxswain {

constexpr int kSteerThreads = 384;
constexpr int kSteerWarps = kSteerThreads / 32;

/** The numbers are also Codes.java's. */
enum SteerKind : int64_t { kAmplify = 0, kCalibrate = 1, kEnforce = 2, kClamp = 3, kAdd = 4 };

/** One rule of a plan in device memory. Rows of weights are `pitch` floats apart, their ends filled with
 * zeros. */
struct SteerRule {
  int64_t kind;
  double strength;        // α or τ, a float32 number
  int64_t m;              // 0 for ADD
  const float* read;      // R [m, pitch]
  const float* readBias;  // c [m]
  const float* write;     // S [m, pitch]
  const float* constant;  // [pitch]; null but for CALIBRATE and ADD
};

/** A plan in device memory: immutable, read by any number of launches. */
struct SteerPlan {
  int64_t ruleCount;
  const SteerRule* rules;      // [ruleCount]
  int64_t conditionCount;      // m of `when`; 0: none
  const float* conditionRead;  // [m, pitch]
  const float* conditionBias;  // [m]
  double threshold;            // a float32 number
};

/** Rows that share a plan: `count` entries of the launch's row list, from `first` on. */
struct SteerGroup {
  const SteerPlan* plan;  // null: rows that are copied
  int64_t first;
  int64_t count;
};

/** Room for G rows in float32, side by side, in shared or global memory. */
struct RowTile {
  float* rows;  // [G, pitch], zero from d on and where there is no row
  int pitch;    // floats from a row to the next; a multiple of 8, below 2^28
  int d;
  int count;  // rows in use

  __device__ float* row(int g) const { return rows + g * pitch; }
};

/** Into the range of float32; NaN stays. */
__device__ inline float limited(float value) { return clampTo(value, kLargestFinite); }

/**
 * dots[g] = dot(row g, w), canonical, in every lane of the warp; w [pitch] is read once. Rows and w hold
 * zeros behind d: added, they can only turn a sum of −0 into +0, and no read of a row tells those apart.
 */
template <int G>
__device__ void tileDots(const RowTile& tile, const float* w, float (&dots)[G]) {
  const int lane = laneId();
  float acc[G][8] = {};
  int base = 0;
#pragma unroll(G > 4 ? 1 : 2)
  for (; base + 256 <= tile.pitch; base += 256) {
    const float4 low = __ldg(reinterpret_cast<const float4*>(w + base) + lane);
    const float4 high = __ldg(reinterpret_cast<const float4*>(w + base) + 32 + lane);
#pragma unroll
    for (int g = 0; g < G; ++g) {
      const float4* row = reinterpret_cast<const float4*>(tile.row(g) + base) + lane;
      fmaQuad(row[0], low, acc[g]);
      fmaQuad(row[32], high, acc[g] + 4);
    }
  }
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int e = base + 128 * half + 4 * lane;
    if (e >= tile.pitch) continue;
    const float4 weights = __ldg(reinterpret_cast<const float4*>(w + e));
#pragma unroll
    for (int g = 0; g < G; ++g) {
      fmaQuad(*reinterpret_cast<const float4*>(tile.row(g) + e), weights, acc[g] + 4 * half);
    }
  }
  __syncwarp();
#pragma unroll
  for (int g = 0; g < G; ++g) dots[g] = reduceQuads(acc[g]);
}

/** Σ v[e]², canonical, in every lane of the warp; at(e) gives elements [e, e+4) of v, 0 from d to pitch. */
template <class At>
__device__ float canonicalSquare(int pitch, const At& at) {
  float acc[8] = {};
  for (int e = 4 * laneId(); e < pitch; e += 256) {
    const float4 low = at(e);
    fmaQuad(low, low, acc);
    if (e + 128 >= pitch) break;
    const float4 high = at(e + 128);
    fmaQuad(high, high, acc + 4);
  }
  __syncwarp();
  return reduceQuads(acc);
}

/**
 * h[j·G + g] = max(dot(row g, R_j) + c_j, 0) for every step-th j from `from` on, a warp a feature. An
 * overflowing dot of opposite infinities reads as 0. Each weight is loaded once for the whole tile.
 */
template <int G>
__device__ void readFeatures(const RowTile& tile, const float* vectors, const float* bias, int64_t m,
                             int64_t from, int64_t step, float* h) {
  const int lane = laneId();
  for (int64_t j = from; j < m; j += step) {
    float dots[G];
    tileDots<G>(tile, vectors + j * tile.pitch, dots);
    float dot = dots[0];
#pragma unroll
    for (int g = 1; g < G; ++g) dot = lane == g ? dots[g] : dot;
    const float value = __fadd_rn(dot, bias[j]);
    if (lane < G) h[j * G + lane] = value > 0 ? limited(value) : 0.0f;
  }
}

/** Whether the row whose reads of the condition are g[j·G] meets it. One thread. */
template <int G>
__device__ bool meets(const SteerPlan& plan, const float* g) {
  float sum = 0;
  int64_t positive = 0;
  for (int64_t j = 0; j < plan.conditionCount; ++j) {
    sum = __fadd_rn(sum, g[j * G]);  // the others are +0
    positive += g[j * G] > 0 ? 1 : 0;
  }
  return positive > 0 && __fdiv_rn(sum, static_cast<float>(positive)) >= static_cast<float>(plan.threshold);
}

/** v = max(τ − h, 0) in place of h, and Σv in the order of the features. One thread a row. */
template <int G>
__device__ float missingOf(float tau, int64_t m, float* h) {
  float total = 0;
  for (int64_t j = 0; j < m; ++j) {
    const float missing = __fsub_rn(tau, h[j * G]);
    const float v = missing > 0 ? limited(missing) : 0.0f;
    h[j * G] = v;
    total = __fadd_rn(total, v);
  }
  return total;
}

/** What h, or under ENFORCE v of Σv, becomes: the factor of the feature's write vector. */
__device__ inline float coefficient(SteerKind kind, float strength, float h, float total) {
  switch (kind) {
    case kAmplify:
      return limited(__fmul_rn(strength, h));
    case kCalibrate:
      return -h;
    case kEnforce:
      return total > 0 ? limited(__fmul_rn(strength, __fdiv_rn(h, total))) : 0.0f;
    default:
      return limited(__fsub_rn(strength, h));
  }
}

/** Bit i is set where any of bits [i·G, (i+1)·G) of `votes` is; 32 / G bits. */
template <int G>
__device__ __forceinline__ uint32_t anyOfEach(uint32_t votes) {
  if (G == 1) return votes;
  uint32_t any = 0;
#pragma unroll
  for (int i = 0; i < 32 / G; ++i) any |= (votes >> i * G & ((1ull << G) - 1)) != 0 ? 1u << i : 0;
  return any;
}

/** The features that some row of the tile has a coefficient for, ascending; one warp. Returns how many. */
template <int G>
__device__ int collectActive(const float* coefficients, int64_t m, int32_t* active) {
  const int lane = laneId();
  int count = 0;
  for (int64_t base = 0; base < m; base += 32) {
    uint32_t any = 0;
#pragma unroll
    for (int part = 0; part < G; ++part) {
      const int64_t i = base * G + 32 * part + lane;
      any |= anyOfEach<G>(__ballot_sync(kAllLanes, i < m * G && coefficients[i] != 0)) << part * (32 / G);
    }
    if ((any >> lane & 1) != 0) active[count + lanesBelow(any)] = static_cast<int32_t>(base + lane);
    count += __popc(any);
  }
  return count;
}

__device__ inline void addScaled(float4& acc, float coefficient, float4 w) {
  if (coefficient == 0) return;  // skipped: acc of −0 keeps its sign
  acc.x = __fmaf_rn(coefficient, w.x, acc.x);
  acc.y = __fmaf_rn(coefficient, w.y, acc.y);
  acc.z = __fmaf_rn(coefficient, w.z, acc.z);
  acc.w = __fmaf_rn(coefficient, w.w, acc.w);
}

__device__ inline float4 plus(float4 a, float4 b) {
  return {__fadd_rn(a.x, b.x), __fadd_rn(a.y, b.y), __fadd_rn(a.z, b.z), __fadd_rn(a.w, b.w)};
}

/**
 * row = fma(coefficient, S[j], row) over the active j in ascending order, then + constant, on elements e =
 * from, from + step, … (each standing for four). Returns how many elements of rows in the bit mask `counted`
 * left float32.
 */
template <int G>
__device__ uint32_t updateColumns(const RowTile& tile, const SteerRule& rule, const float* coefficients,
                                  const int32_t* active, int activeCount, int from, int step,
                                  uint32_t counted) {
  uint32_t beyond = 0;
  for (int e = from; e < tile.pitch; e += step) {
    float4 acc[G];
#pragma unroll
    for (int g = 0; g < G; ++g) acc[g] = *reinterpret_cast<const float4*>(tile.row(g) + e);
#pragma unroll(G > 4 ? 2 : 4)
    for (int a = 0; a < activeCount; ++a) {
      const int64_t j = active[a];
      const float4 w = __ldg(reinterpret_cast<const float4*>(rule.write + j * tile.pitch + e));
#pragma unroll
      for (int g = 0; g < G; ++g) addScaled(acc[g], coefficients[j * G + g], w);
    }
    float4 constant{};
    if (rule.constant != nullptr) constant = __ldg(reinterpret_cast<const float4*>(rule.constant + e));
#pragma unroll
    for (int g = 0; g < G; ++g) {
      if (rule.constant != nullptr) acc[g] = plus(acc[g], constant);
      const uint32_t count = storeQuad(acc[g], tile.row(g), e);
      if ((counted >> g & 1) != 0) beyond += count;
    }
  }
  return beyond;
}

/** A norm as value · 2^exponent, so that rows near the ends of float32 keep theirs. */
struct ScaledNorm {
  float value;
  int exponent;
};

/** value · 2^exponent with one rounding, for |exponent| < 800. */
__device__ inline float timesPowerOfTwo(float value, int exponent) {
  const double power = __longlong_as_double(static_cast<long long>(exponent + 1023) << 52);
  return __double2float_rn(__dmul_rn(static_cast<double>(value), power));
}

/** ⌊log2⌋ of a positive finite number. */
__device__ inline int exponentOf(float value) {
  return static_cast<int>(__double_as_longlong(static_cast<double>(value)) >> 52) - 1023;
}

/** √dot(row, row); of the row times a power of two only where that dot leaves the normal range. One warp. */
__device__ inline ScaledNorm normOf(const float* row, int pitch) {
  const float square =
      canonicalSquare(pitch, [&](int e) { return *reinterpret_cast<const float4*>(row + e); });
  if (square >= 0x1p-100f && square <= kLargestFinite) return {__fsqrt_rn(square), 0};
  float largest = 0;
  for (int e = laneId(); e < pitch; e += 32) largest = fmaxf(largest, fabsf(row[e]));
#pragma unroll
  for (int o = 16; o > 0; o /= 2) largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, o));
  if (largest == 0) return {0, 0};
  const int exponent = exponentOf(largest) + 32;  // far below 1: the sum of d squares stays finite too
  const float scaled = canonicalSquare(pitch, [&](int e) {
    const float4 v = *reinterpret_cast<const float4*>(row + e);
    return float4{timesPowerOfTwo(v.x, -exponent), timesPowerOfTwo(v.y, -exponent),
                  timesPowerOfTwo(v.z, -exponent), timesPowerOfTwo(v.w, -exponent)};
  });
  return {__fsqrt_rn(scaled), exponent};
}

/** What brings a row of norm `after` back to norm `before`; `after` is not 0. */
__device__ inline float rescaling(ScaledNorm before, ScaledNorm after) {
  return limited(timesPowerOfTwo(__fdiv_rn(before.value, after.value), before.exponent - after.exponent));
}

/** row · factor on elements from, from + step, …; returns how many left float32. */
__device__ inline uint32_t scaleColumns(float* row, const RowTile& tile, float factor, int from, int step) {
  uint32_t beyond = 0;
  for (int e = from; e < tile.d; e += step) row[e] = clampFloat(__fmul_rn(row[e], factor), beyond);
  return beyond;
}

}  // namespace coxswain
