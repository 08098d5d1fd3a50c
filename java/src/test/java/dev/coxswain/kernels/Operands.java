package dev.coxswain.kernels;

import dev.coxswain.backend.Backend;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Floats;
import dev.coxswain.testing.Inputs;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;

/** Tensors of a case in the backend's memory, closed together. */
final class Operands implements AutoCloseable {
  private final Backend backend;
  private final List<TensorOwner> owned = new ArrayList<>();

  Operands(Backend backend) {
    this.backend = backend;
  }

  TensorView keep(TensorOwner owner) {
    owned.add(owner);
    return owner.view();
  }

  /** Zeros. */
  TensorView room(DType dtype, long... extents) {
    return keep(backend.allocate(dtype, Shape.of(extents)));
  }

  /** Uniform values up to {@code size}. */
  TensorView floats(long seed, float size, int... extents) {
    return hiddenStates(DType.F32, seed, size, extents[0], extents.length > 1 ? extents[1] : 1)
        .reshape(java.util.Arrays.stream(extents).asLongStream().toArray());
  }

  TensorView floats(float[] values, long... extents) {
    return placed(HostTensor.ofFloats(Shape.of(extents), values));
  }

  TensorView ints(int[] values, long... extents) {
    return placed(HostTensor.ofInts(Shape.of(extents), values));
  }

  /** Uniform values up to {@code size} as F32, F16 or BF16 [n, d]. */
  TensorView hiddenStates(DType dtype, long seed, float size, int n, int d) {
    float[] values = Inputs.fill(new SplittableRandom(seed), n * d, size);
    return placed(Floats.tensor(dtype, values, n, d));
  }

  /** (−∞, 0) a word. */
  TensorView emptyLogSums(int words) {
    HostTensor columns = HostTensor.allocate(DType.F64, words, 2);
    for (long w = 0; w < words; w++) {
      HostMemory.putDouble(columns.view().address() + 16 * w, Double.NEGATIVE_INFINITY);
    }
    return placed(columns);
  }

  private TensorView placed(HostTensor host) {
    try (host) {
      TensorView view = room(host.dtype(), host.shape().extents());
      backend.copy(host.view(), view);
      return view;
    }
  }

  @Override
  public void close() {
    Collections.reverse(owned);
    owned.forEach(TensorOwner::close);
  }
}
