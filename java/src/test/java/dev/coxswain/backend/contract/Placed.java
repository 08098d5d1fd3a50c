package dev.coxswain.backend.contract;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Floats;
import dev.coxswain.testing.Inputs;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Inputs in a backend's memory and results back from it, all closed together. */
public final class Placed implements AutoCloseable {
  final Backend backend;
  final Inputs.Arrays arrays;
  private final List<TensorOwner> owned = new ArrayList<>();
  private final TensorView wEnc;
  private final TensorView bEnc;
  private final TensorView wDec;
  private final TensorView bDec;
  private final TensorView threshold;

  public Placed(Backend backend, Inputs.Arrays arrays) {
    this.backend = backend;
    this.arrays = arrays;
    this.wEnc = floats(arrays.wEnc(), arrays.features(), arrays.d());
    this.bEnc = floats(arrays.bEnc(), arrays.features());
    this.wDec = floats(arrays.wDec(), arrays.features(), arrays.d());
    this.bDec = floats(arrays.bDec(), arrays.d());
    this.threshold = floats(arrays.threshold(), arrays.features());
  }

  /** Takes the tensor over and gives it in the backend's memory. */
  public TensorView place(HostTensor host) {
    owned.add(host);
    TensorOwner placed = backend.place(host.view());
    owned.add(placed);
    return placed.view();
  }

  private TensorView floats(float[] values, long... extents) {
    return place(HostTensor.ofFloats(Shape.of(extents), values));
  }

  /** Room for a result, filled with rubbish so that every element must be written. */
  TensorView room(DType dtype, long... extents) {
    HostTensor rubbish = HostTensor.allocate(dtype, extents);
    HostMemory.fill(rubbish.view().address(), rubbish.view().byteSize(), (byte) 0x7b);
    return place(rubbish);
  }

  public TensorView x(DType dtype) {
    return place(Floats.tensor(dtype, arrays.x(), arrays.n(), arrays.d()));
  }

  public Encoder encoder(Activation activation, Normalization normalization, boolean subtracts) {
    return new Encoder(
        wEnc,
        bEnc,
        subtracts ? Optional.of(bDec) : Optional.empty(),
        activation == Activation.JUMP_RELU ? Optional.of(threshold) : Optional.empty(),
        activation,
        activation == Activation.TOP_K ? arrays.k() : 0,
        normalization);
  }

  public Decoder decoder(Normalization normalization) {
    return new Decoder(wDec, bDec, normalization);
  }

  /** Places for active features. */
  public SparseRows rows(long n, long places) {
    return new SparseRows(
        room(DType.F32, n, places), room(DType.I32, n, places), room(DType.F32, n, 2));
  }

  // --- results

  public static float[] floats(Backend backend, TensorView view) {
    return read(backend, view, host -> Floats.of(host.view()));
  }

  public static int[] ints(Backend backend, TensorView view) {
    return read(backend, view, HostTensor::toInts);
  }

  static byte[] bytes(Backend backend, TensorView view) {
    return read(backend, view, host -> bytes(host.view()));
  }

  public static double[] doubles(Backend backend, TensorView view) {
    return read(
        backend,
        view,
        host -> {
          double[] values = new double[Math.toIntExact(view.shape().elements())];
          for (int i = 0; i < values.length; i++) {
            values[i] = HostMemory.getDouble(host.view().address() + 8L * i);
          }
          return values;
        });
  }

  static long[] longs(Backend backend, TensorView view) {
    return read(backend, view, host -> longs(host.view()));
  }

  private static <T> T read(Backend backend, TensorView view, Function<HostTensor, T> as) {
    try (HostTensor host = HostTensor.allocate(view.dtype(), view.shape())) {
      backend.copy(view, host.view());
      return as.apply(host);
    }
  }

  float[] floats(TensorView view) {
    return floats(backend, view);
  }

  int[] ints(TensorView view) {
    return ints(backend, view);
  }

  /** Of host memory. */
  static byte[] bytes(TensorView host) {
    byte[] bytes = new byte[Math.toIntExact(host.byteSize())];
    if (bytes.length > 0) {
      HostMemory.copy(host.address(), bytes, 0, bytes.length);
    }
    return bytes;
  }

  /** Of host memory. */
  static long[] longs(TensorView host) {
    long[] values = new long[Math.toIntExact(host.shape().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = HostMemory.getLong(host.address() + 8L * i);
    }
    return values;
  }

  static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }

  @Override
  public void close() {
    for (int i = owned.size() - 1; i >= 0; i--) {
      owned.get(i).close();
    }
  }
}
