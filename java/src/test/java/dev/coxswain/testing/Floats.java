package dev.coxswain.testing;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;

/** Floats to and from tensors of F32, F16 and BF16, in plain Java (nearest even). */
public final class Floats {
  private Floats() {}

  /** A tensor with the values rounded to {@code dtype}. */
  public static HostTensor tensor(DType dtype, float[] values, long... extents) {
    HostTensor tensor = HostTensor.allocate(dtype, Shape.of(extents));
    for (int i = 0; i < values.length; i++) {
      put(tensor.view(), i, values[i]);
    }
    return tensor;
  }

  public static float[] of(TensorView view) {
    float[] values = new float[Math.toIntExact(view.shape().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = get(view, i);
    }
    return values;
  }

  public static float round(DType dtype, float value) {
    return switch (dtype) {
      case F16 -> fromF16(toF16(value));
      case BF16 -> fromBf16(toBf16(value));
      default -> value;
    };
  }

  /** The largest finite value of a type. */
  public static float largest(DType dtype) {
    return switch (dtype) {
      case F16 -> 65504f;
      case BF16 -> fromBf16((short) 0x7f7f);
      default -> Float.MAX_VALUE;
    };
  }

  private static void put(TensorView view, long i, float value) {
    long address = view.address() + i * view.dtype().bytes();
    switch (view.dtype()) {
      case F16 -> HostMemory.putShort(address, toF16(value));
      case BF16 -> HostMemory.putShort(address, toBf16(value));
      default -> HostMemory.putFloat(address, value);
    }
  }

  private static float get(TensorView view, long i) {
    long address = view.address() + i * view.dtype().bytes();
    return switch (view.dtype()) {
      case F16 -> fromF16(HostMemory.getShort(address));
      case BF16 -> fromBf16(HostMemory.getShort(address));
      default -> HostMemory.getFloat(address);
    };
  }

  public static float fromBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  public static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  public static float fromF16(short half) {
    int exponent = half >>> 10 & 31;
    int fraction = half & 1023;
    float sign = half < 0 ? -1f : 1f;
    if (exponent == 31) {
      return fraction == 0 ? sign * Float.POSITIVE_INFINITY : Float.NaN;
    }
    if (exponent == 0) {
      return sign * Math.scalb((float) fraction, -24);
    }
    return sign * Math.scalb(1024f + fraction, exponent - 25);
  }

  /** By the definition: the nearest multiple of the last place, ties to even. */
  public static short toF16(float value) {
    int sign = Float.floatToRawIntBits(value) >>> 16 & 0x8000;
    if (Float.isNaN(value)) {
      return (short) (sign | 0x7e00);
    }
    double magnitude = Math.abs((double) value);
    if (magnitude >= 65520) {
      return (short) (sign | 0x7c00);
    }
    int exponent = Math.max(Math.getExponent(magnitude), -14);
    long units = (long) Math.rint(Math.scalb(magnitude, 10 - exponent));
    return (short) (sign | ((exponent + 14 << 10) + units));
  }
}
