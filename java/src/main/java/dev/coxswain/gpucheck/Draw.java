package dev.coxswain.gpucheck;

import dev.coxswain.io.FloatConversion;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import java.util.SplittableRandom;

/** Tensors of random numbers, the same for a seed. The caller closes them. For one thread. */
final class Draw {
  private static final float OUTLIER = 100;

  private final SplittableRandom random;

  Draw(long seed) {
    this.random = new SplittableRandom(seed);
  }

  /** F32, uniform in {@code middle} ± {@code range}. */
  HostTensor around(float middle, float range, long... extents) {
    HostTensor tensor = HostTensor.allocate(DType.F32, Shape.of(extents));
    long address = tensor.view().address();
    long end = address + tensor.view().byteSize();
    for (; address < end; address += 4) {
      float value = (float) (random.nextInt() * 0x1p-31);
      HostMemory.putFloat(address, middle + range * value);
    }
    return tensor;
  }

  /** F32, uniform within ± {@code range}. */
  HostTensor floats(float range, long... extents) {
    return around(0, range, extents);
  }

  /**
   * Rows as a model has them: two dimensions a hundred times the others. With room for it one row
   * is all zero and one holds a NaN.
   */
  HostTensor rows(DType dtype, int rows, int width) {
    HostTensor tensor = floats(2, rows, width);
    long address = tensor.view().address();
    for (long row = 0; row < rows; row++) {
      long first = address + 4 * row * width;
      scale(first + 4L * (width / 5));
      scale(first + 4L * (width / 2));
    }
    if (rows > 3) {
      HostMemory.fill(address + 4L * width, 4L * width, (byte) 0);
      HostMemory.putFloat(address + 4L * (2L * width + width / 3), Float.NaN);
    }
    return dtype == DType.F32 ? tensor : narrow(dtype, tensor);
  }

  private static void scale(long address) {
    HostMemory.putFloat(address, OUTLIER * HostMemory.getFloat(address));
  }

  private static HostTensor narrow(DType dtype, HostTensor wide) {
    try (wide) {
      HostTensor narrow = HostTensor.allocate(dtype, wide.shape());
      FloatConversion.narrow(wide.view(), narrow.view());
      return narrow;
    }
  }
}
