package dev.coxswain.io;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.TensorView;

/** Conversion between float32 and the other floating-point types, in host memory. */
public final class FloatConversion {
  private FloatConversion() {}

  /** True for the types {@link #widen} takes. */
  public static boolean isFloat(DType dtype) {
    return dtype == DType.F32 || dtype == DType.F16 || dtype == DType.BF16 || dtype == DType.F64;
  }

  /**
   * Converts to float32: exactly from F16 and BF16, rounded to nearest even from F64.
   *
   * @param source F32, F16, BF16 or F64
   * @param target F32 of as many elements
   */
  public static void widen(TensorView source, TensorView target) {
    long n = requireEqualCount(source, target);
    long from = source.address();
    long to = target.address();
    switch (source.dtype()) {
      case F32 -> HostMemory.copy(from, to, 4 * n);
      case BF16 -> {
        for (long i = 0; i < n; i++) {
          HostMemory.putInt(to + 4 * i, HostMemory.getShort(from + 2 * i) << 16);
        }
      }
      case F16 -> {
        for (long i = 0; i < n; i++) {
          HostMemory.putFloat(to + 4 * i, halfToFloat(HostMemory.getShort(from + 2 * i)));
        }
      }
      case F64 -> {
        for (long i = 0; i < n; i++) {
          HostMemory.putFloat(to + 4 * i, (float) HostMemory.getDouble(from + 8 * i));
        }
      }
      default ->
          throw new IllegalArgumentException(source.dtype() + " is not a floating-point type");
    }
  }

  /**
   * Rounds float32 to a storage type, to nearest even; what overflows becomes infinite.
   *
   * @param source F32
   * @param target F32, F16 or BF16 of as many elements
   */
  public static void narrow(TensorView source, TensorView target) {
    long n = requireEqualCount(source, target);
    long from = source.address();
    long to = target.address();
    switch (target.dtype()) {
      case F32 -> HostMemory.copy(from, to, 4 * n);
      case BF16 -> {
        for (long i = 0; i < n; i++) {
          HostMemory.putShort(to + 2 * i, floatToBfloat16(HostMemory.getFloat(from + 4 * i)));
        }
      }
      case F16 -> {
        for (long i = 0; i < n; i++) {
          HostMemory.putShort(to + 2 * i, floatToHalf(HostMemory.getFloat(from + 4 * i)));
        }
      }
      default -> throw new IllegalArgumentException("no rounding to " + target.dtype());
    }
  }

  private static long requireEqualCount(TensorView source, TensorView target) {
    long n = source.shape().elements();
    if (target.shape().elements() != n) {
      throw new IllegalArgumentException(source.shape() + " into " + target.shape());
    }
    return n;
  }

  /** Exact. */
  public static float halfToFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = (half >>> 10) & 0x1f;
    int mantissa = half & 0x3ff;
    if (exponent == 0) {
      float magnitude = mantissa * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int biased = exponent == 0x1f ? 0xff : exponent + 112;
    return Float.intBitsToFloat(sign | biased << 23 | mantissa << 13);
  }

  /** To nearest even. */
  public static short floatToHalf(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00);
    }
    if (magnitude >= 0x47800000) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x38800000) {
      // Below the smallest normal half: adding 0.5 aligns 2^-24 with the last bit of the sum.
      float aligned = Float.intBitsToFloat(magnitude) + 0.5f;
      return (short) (sign | Float.floatToRawIntBits(aligned) - 0x3f000000);
    }
    int rounded = magnitude - (112 << 23) + 0xfff + ((magnitude >>> 13) & 1);
    return (short) (sign | rounded >>> 13);
  }

  /** To nearest even. */
  public static short floatToBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if ((bits & 0x7fffffff) > 0x7f800000) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7fff + ((bits >>> 16) & 1) >>> 16);
  }
}
