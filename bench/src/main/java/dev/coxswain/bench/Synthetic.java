package dev.coxswain.bench;

import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import java.util.SplittableRandom;
import java.util.stream.LongStream;

/** Random weights and rows: the same ones for the same seed, whatever the machine. */
final class Synthetic {
  private static final int BLOCK = 1 << 16;
  private static final long SEED = 20_261_124;

  private Synthetic() {}

  /** F32 values, uniform in ±scale. */
  static HostTensor floats(long seed, float scale, long... extents) {
    HostTensor tensor = HostTensor.allocate(DType.F32, extents);
    long address = tensor.view().address();
    long count = Shape.of(extents).elements();
    LongStream.range(0, (count + BLOCK - 1) / BLOCK)
        .parallel()
        .forEach(block -> fill(address, count, block, seed, scale));
    return tensor;
  }

  private static void fill(long address, long count, long block, long seed, float scale) {
    SplittableRandom random = new SplittableRandom(SEED ^ (seed << 40) ^ block);
    float[] values = new float[(int) Math.min(BLOCK, count - block * BLOCK)];
    for (int i = 0; i < values.length; i++) {
      values[i] = scale * ((random.nextInt() >> 8) * 0x1p-23f);
    }
    HostMemory.copy(values, 0, address + 4 * block * BLOCK, values.length);
  }

  /** A Top-K autoencoder whose scores are spread as those of unit directions are. */
  static SparseAutoencoder autoencoder(Size size) {
    float scale = (float) Math.sqrt(3.0 / size.width());
    return SparseAutoencoder.builder()
        .wEnc(floats(1, scale, size.features(), size.width()))
        .bEnc(floats(2, 0.01f, size.features()))
        .wDec(floats(3, scale, size.features(), size.width()))
        .bDec(floats(4, 0.1f, size.width()))
        .topK(Size.K)
        .build();
  }

  /** Hidden states; F32 [rows, d]. */
  static HostTensor rows(int rows, int width) {
    return floats(5, 1, rows, width);
  }
}
