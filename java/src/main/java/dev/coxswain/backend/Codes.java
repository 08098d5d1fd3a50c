package dev.coxswain.backend;

import dev.coxswain.tensor.DType;

/** The numbers that stand for enums in native code and in kernels. */
public final class Codes {
  private Codes() {}

  public static int of(DType dtype) {
    return switch (dtype) {
      case F32 -> 0;
      case F16 -> 1;
      case BF16 -> 2;
      default -> throw new IllegalArgumentException(dtype + " is not F32, F16 or BF16");
    };
  }

  public static int of(Activation activation) {
    return switch (activation) {
      case TOP_K -> 0;
      case RELU -> 1;
      case JUMP_RELU -> 2;
    };
  }

  public static int of(Normalization normalization) {
    return switch (normalization) {
      case NONE -> 0;
      case CONSTANT_NORM -> 1;
      case LAYER_NORM -> 2;
    };
  }

  public static int of(SteerRule.Kind kind) {
    return switch (kind) {
      case AMPLIFY -> 0;
      case CALIBRATE -> 1;
      case ENFORCE -> 2;
      case CLAMP -> 3;
      case ADD -> 4;
    };
  }
}
