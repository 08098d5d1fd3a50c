// Encode: what screens multiply (common/screen.cuh), made of float32 rows and weights.
//
// cox_screen_rows: a CTA a row: x' in bfloat16 [dPadded] or as high and low bytes [2, dPadded], with
// the norms that the bound needs. Traffic 4·d + 2·dPadded bytes a row (float32 is read twice, then from
// L1). Latency-bound for few rows. 40 registers.
//
// cox_screen_weights: a warp a feature: w' in bfloat16 or int8, padded with zeros; 16-byte loads where rows
// are aligned. Once for weights that stay, or for each panel of weights that change. Traffic 4·d bytes read,
// 2·dPadded or dPadded written a feature: memory-bound. 40 registers. No spills.
#include <cstdint>

#include "common/dtype.cuh"
#include "common/reduce.cuh"
#include "common/screen.cuh"

namespace coxswain {
namespace {

/** A value, and what is left of it. */
struct Split {
  int32_t bits;  // bfloat16, or the whole number
  float error;   // rounded once
};

__device__ __forceinline__ Split toBf16(float v) {
  const uint16_t half = floatToBf16(v);
  return {half, __fsub_rn(v, __uint_as_float(uint32_t{half} << 16))};
}

/** v as a multiple of `scale`, at most ±`steps`; 0 where the scale is 0. */
__device__ __forceinline__ Split toSteps(float v, float scale, float steps) {
  const float number = scale > 0.0f ? fminf(fmaxf(rintf(__fdiv_rn(v, scale)), -steps), steps) : 0.0f;
  return {static_cast<int32_t>(number), __fmaf_rn(-scale, number, v)};
}

/** Orders magnitudes as integers; NaN above all. */
__device__ __forceinline__ uint32_t magnitudeBits(float v) { return __float_as_uint(v) & 0x7fffffffu; }

struct ScreenRowsArgs {
  const float* x;   // [rows, stride] prepared
  int32_t* states;  // [rows] RowState; ready rows beyond the bound's reach become kUndecided
  void* planes;     // [rows, dPadded] bfloat16, or [rows, 2, dPadded] bytes
  float* scale;     // [rows] of the whole numbers; kInt8 alone
  float* bound;     // [rows] ‖ex‖ + K‖x‖
  float* norm;      // [rows] ‖x'‖
  float* least;     // [rows, lists] τ to begin with: 0, or off
  int32_t* counts;  // [rows, lists] 0
  int64_t d;
  int64_t dPadded;
  int64_t stride;
  int64_t lists;
  int64_t kind;   // ScreenKind
  double factor;  // K
};

/** Largest value of the CTA's threads. `shared` [32] may be used again after the next barrier. */
__device__ __forceinline__ uint32_t ctaMax256(uint32_t v, uint32_t* shared) {
  v = __reduce_max_sync(kAllLanes, v);
  __syncthreads();
  if (laneId() == 0) shared[threadIdx.x / 32] = v;
  __syncthreads();
  return __reduce_max_sync(kAllLanes, laneId() < 8 ? shared[laneId()] : 0u);
}

/** Writes x' and returns this thread's share of ‖ex‖². */
__device__ __forceinline__ float writeRowPlanes(const ScreenRowsArgs& args, int64_t row, bool ready,
                                                float scale) {
  const float* x = args.x + row * args.stride;
  float errors = 0.0f;
  for (int64_t e = threadIdx.x; e < args.dPadded; e += 256) {
    const float v = ready && e < args.d ? x[e] : 0.0f;
    if (static_cast<ScreenKind>(args.kind) == ScreenKind::kBf16) {
      const Split split = toBf16(v);
      static_cast<uint16_t*>(args.planes)[row * args.dPadded + e] = static_cast<uint16_t>(split.bits);
      errors = __fmaf_rn(split.error, split.error, errors);
    } else {
      const Split split = toSteps(v, scale, kRowSteps);
      const int32_t high = (split.bits + 128) >> 8;
      int8_t* bytes = static_cast<int8_t*>(args.planes) + 2 * row * args.dPadded;
      bytes[e] = static_cast<int8_t>(high);
      bytes[args.dPadded + e] = static_cast<int8_t>(split.bits - 256 * high);
      errors = __fmaf_rn(split.error, split.error, errors);
    }
  }
  return errors;
}

__device__ __forceinline__ void screenRow(const ScreenRowsArgs& args) {
  __shared__ float sums[32];
  __shared__ uint32_t maxima[32];
  const int64_t row = blockIdx.x;
  const float* x = args.x + row * args.stride;
  bool ready = args.states[row] == static_cast<int32_t>(RowState::kReady);
  float squares = 0.0f;
  uint32_t largest = 0;
  for (int64_t e = threadIdx.x; ready && e < args.d; e += 256) {
    squares = __fmaf_rn(x[e], x[e], squares);
    largest = max(largest, magnitudeBits(x[e]));
  }
  const float norm = normAbove(reduceCta256(squares, sums));
  const float scale = __fdiv_rn(__uint_as_float(ctaMax256(largest, maxima)), kRowSteps);
  const bool decided = norm <= kLargestNorm;
  const float error = normAbove(reduceCta256(writeRowPlanes(args, row, ready && decided, scale), sums));
  if (threadIdx.x != 0) return;
  if (ready && !decided) args.states[row] = static_cast<int32_t>(RowState::kUndecided);
  ready &= decided;
  const float factor = static_cast<float>(args.factor);
  args.bound[row] = ready ? __fmul_rn(__fmaf_rn(factor, norm, error), 1.0f + 0x1p-20f) : 0.0f;
  args.norm[row] = ready ? __fadd_rn(norm, error) : 0.0f;
  if (args.scale != nullptr) args.scale[row] = ready ? scale : 0.0f;
  for (int64_t list = 0; list < args.lists; ++list) {
    args.least[row * args.lists + list] = ready ? 0.0f : offThreshold();
    args.counts[row * args.lists + list] = 0;
  }
}

struct ScreenWeightsArgs {
  const float* w;         // [F, d]
  const int32_t* subset;  // ascending feature numbers of the places, or null
  void* planes;           // [padded, dPadded] bfloat16 or bytes; 0 beyond d and beyond `features`
  float* scale;           // [padded] of the whole numbers; kInt8 alone
  float* norm;            // [padded] ‖w‖
  float* error;           // [padded] ‖ew‖
  int32_t* unbounded;     // set to 1 where a norm is beyond the bound's reach
  int64_t first;          // place of the first
  int64_t features;       // to convert
  int64_t padded;         // rows to write
  int64_t d;
  int64_t dPadded;
  int64_t kind;  // ScreenKind
};

__device__ __forceinline__ float warpFloatSum(float v) {
#pragma unroll
  for (int o = 16; o > 0; o >>= 1) v = addXor(v, o);
  return v;
}

/** kWide consecutive elements of a row of weights from e on; 0 beyond d, and where w is null. */
template <int kWide>
__device__ __forceinline__ void loadWeights(const float* w, int64_t e, int64_t d, float (&v)[kWide]) {
  const bool there = w != nullptr && e < d;
  if constexpr (kWide == 4) {
    const float4 four = there ? *reinterpret_cast<const float4*>(w + e) : float4{0.0f, 0.0f, 0.0f, 0.0f};
    v[0] = four.x, v[1] = four.y, v[2] = four.z, v[3] = four.w;
  } else {
    v[0] = there ? w[e] : 0.0f;
  }
}

/** Stores what a screen multiplies; the low bits of each. */
template <ScreenKind kKind, int kWide>
__device__ __forceinline__ void storeWeights(void* plane, int64_t e, const uint32_t (&bits)[kWide]) {
  if constexpr (kKind == ScreenKind::kBf16) {
    uint16_t* to = static_cast<uint16_t*>(plane) + e;
    if constexpr (kWide == 4) {
      *reinterpret_cast<uint2*>(to) = uint2{bits[0] | bits[1] << 16, bits[2] | bits[3] << 16};
    } else {
      *to = static_cast<uint16_t>(bits[0]);
    }
  } else {
    uint8_t* to = static_cast<uint8_t*>(plane) + e;
    if constexpr (kWide == 4) {
      *reinterpret_cast<uint32_t*>(to) =
          (bits[0] & 255) | (bits[1] & 255) << 8 | (bits[2] & 255) << 16 | bits[3] << 24;
    } else {
      *to = static_cast<uint8_t>(bits[0]);
    }
  }
}

/** This lane's part of a row. */
struct WeightSums {
  float squares;     // ‖w‖²
  float errors;      // ‖ew‖²
  uint32_t largest;  // magnitude
};

/** ‖w‖² and the largest magnitude. */
template <int kWide>
__device__ __forceinline__ void measureRow(const float* w, int64_t d, WeightSums& sums) {
#pragma unroll 4
  for (int64_t e = kWide * laneId(); e < d; e += 32 * kWide) {
    float v[kWide];
    loadWeights(w, e, d, v);
#pragma unroll
    for (int i = 0; i < kWide; ++i) {
      sums.squares = __fmaf_rn(v[i], v[i], sums.squares);
      sums.largest = max(sums.largest, magnitudeBits(v[i]));
    }
  }
}

/** Writes w' (w null: zeros). */
template <ScreenKind kKind, int kWide>
__device__ __forceinline__ void convertRow(const ScreenWeightsArgs& args, const float* w, void* plane,
                                           float scale, WeightSums& sums) {
#pragma unroll 4
  for (int64_t e = kWide * laneId(); e < args.dPadded; e += 32 * kWide) {
    float v[kWide];
    loadWeights(w, e, args.d, v);
    uint32_t bits[kWide];
#pragma unroll
    for (int i = 0; i < kWide; ++i) {
      const Split split = kKind == ScreenKind::kBf16 ? toBf16(v[i]) : toSteps(v[i], scale, kWeightSteps);
      bits[i] = static_cast<uint32_t>(split.bits);
      sums.errors = __fmaf_rn(split.error, split.error, sums.errors);
      if (kKind == ScreenKind::kBf16) sums.squares = __fmaf_rn(v[i], v[i], sums.squares);
    }
    storeWeights<kKind>(plane, e, bits);
  }
}

template <ScreenKind kKind, int kWide>
__device__ __forceinline__ void screenWeight(const ScreenWeightsArgs& args) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
  if (row >= args.padded) return;
  const float* w = nullptr;
  if (row < args.features) {
    const int64_t place = args.first + row;
    w = args.w + (args.subset == nullptr ? place : args.subset[place]) * args.d;
  }
  WeightSums sums = {};
  float scale = 0.0f;
  if constexpr (kKind == ScreenKind::kInt8) {
    if (w != nullptr) measureRow<kWide>(w, args.d, sums);
    scale = __fdiv_rn(__uint_as_float(__reduce_max_sync(kAllLanes, sums.largest)), kWeightSteps);
  }
  const int64_t bytes = kKind == ScreenKind::kBf16 ? 2 : 1;
  convertRow<kKind, kWide>(args, w, static_cast<char*>(args.planes) + row * args.dPadded * bytes, scale,
                           sums);
  const float norm = normAbove(warpFloatSum(sums.squares));
  const float error = normAbove(warpFloatSum(sums.errors));
  if (laneId() != 0) return;
  if (!(norm <= kLargestNorm)) atomicExch(args.unbounded, 1);
  args.norm[row] = norm;
  args.error[row] = error;
  if (kKind == ScreenKind::kInt8) args.scale[row] = scale;
}

}  // namespace
}  // namespace coxswain

using namespace coxswain;

extern "C" __global__ void __launch_bounds__(256)
    cox_screen_rows(const __grid_constant__ ScreenRowsArgs args) {
  screenRow(args);
}

extern "C" __global__ void __launch_bounds__(256)
    cox_screen_weights(const __grid_constant__ ScreenWeightsArgs args) {
  const bool bf16 = static_cast<ScreenKind>(args.kind) == ScreenKind::kBf16;
  const bool wide = rowsAligned16(args.w, args.d, 4);
  if (bf16 && wide) {
    screenWeight<ScreenKind::kBf16, 4>(args);
  } else if (bf16) {
    screenWeight<ScreenKind::kBf16, 1>(args);
  } else if (wide) {
    screenWeight<ScreenKind::kInt8, 4>(args);
  } else {
    screenWeight<ScreenKind::kInt8, 1>(args);
  }
}
