package dev.coxswain.backend.cuda;

import dev.coxswain.backend.Normalization;
import dev.coxswain.tensor.DType;

/**
 * One encode on a device, as encode and the training step share it. Addresses are of the device's
 * memory; 0 stands for what there is not.
 *
 * @param wEnc F32 [F, d], one row a feature
 * @param bEnc F32 [F]
 * @param subset I32 [features], ascending: the only features looked at; 0: all F
 * @param features F, or the subset's size; at least 1
 * @param width d
 * @param threshold θ of JUMP_RELU; F32 [F]; 0 with a subset
 * @param limit most active features of a row: k, or {@code features}
 * @param x [rows, d] of {@code dtype}
 * @param rows n
 * @param dtype F32, F16 or BF16
 * @param normalization applied to each row first
 * @param subtract b_dec, subtracted then; F32 [d]
 * @param values F32 [rows, places], written
 * @param indices I32 [rows, places], written: features' own numbers also with a subset
 * @param shiftScale F32 [rows, 2], written where not 0
 * @param places K
 */
record EncodeCall(
    long wEnc,
    long bEnc,
    long subset,
    long features,
    long width,
    long threshold,
    long limit,
    long x,
    long rows,
    DType dtype,
    Normalization normalization,
    long subtract,
    long values,
    long indices,
    long shiftScale,
    long places) {

  /** Whether 16-byte loads of the weights are aligned. */
  boolean aligned() {
    return wEnc % 16 == 0 && width % 4 == 0;
  }

  EncodeShape shape(boolean kept) {
    return new EncodeShape(rows, features, width, limit, places, aligned(), kept);
  }

  /** Codes of the kernels, as in native/cpu. */
  static long code(DType dtype) {
    return switch (dtype) {
      case F32 -> 0;
      case F16 -> 1;
      case BF16 -> 2;
      default -> throw new IllegalArgumentException(dtype + " hidden states");
    };
  }

  static long code(Normalization normalization) {
    return switch (normalization) {
      case NONE -> 0;
      case CONSTANT_NORM -> 1;
      case LAYER_NORM -> 2;
    };
  }
}
