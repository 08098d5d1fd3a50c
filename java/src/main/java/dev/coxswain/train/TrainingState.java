package dev.coxswain.train;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.TrainState;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.LinkedHashMap;
import java.util.Map;

/** Owner of a run's parameters and moments on a backend, all zero at birth; one thread's own. */
final class TrainingState implements AutoCloseable {
  private static final long DICTIONARY = 3;

  /** Elements that go through the host at once; a multiple of 8 bytes' worth. */
  private static final long STAGING_BYTES = 8 << 20;

  /** Receives a tensor's next rows in host memory, and is done with them when it returns. */
  @FunctionalInterface
  interface RowSink {
    void take(TensorView rows);
  }

  /** Writes a tensor's next rows, {@code from} on, to host memory. */
  @FunctionalInterface
  interface RowFiller {
    void fill(long from, TensorView rows);
  }

  private final Backend backend;
  private final Map<String, TensorOwner> owners = new LinkedHashMap<>();

  TrainingState(Backend backend, long features, long width) {
    this.backend = backend;
    long parameters = TrainState.parameters(features, width);
    try {
      own("w_enc", DType.F32, Shape.of(features, width));
      own("b_enc", DType.F32, Shape.of(features));
      own("w_dec", DType.F32, Shape.of(features, width));
      own("b_dec", DType.F32, Shape.of(width));
      own("first_moment", DType.F32, Shape.of(parameters));
      own("second_moment", DType.F32, Shape.of(parameters));
      own("rows_since_fired", DType.I64, Shape.of(features));
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private void own(String name, DType dtype, Shape shape) {
    owners.put(name, backend.allocate(dtype, shape));
  }

  static long bytes(long features, long width) {
    return 4 * 3 * TrainState.parameters(features, width) + 8 * features;
  }

  /** Every tensor by its name in a checkpoint. */
  Map<String, TensorView> tensors() {
    Map<String, TensorView> views = new LinkedHashMap<>();
    owners.forEach((name, owner) -> views.put(name, owner.view()));
    return views;
  }

  TrainState view() {
    Map<String, TensorView> views = tensors();
    return new TrainState(
        views.get("w_enc"),
        views.get("b_enc"),
        views.get("w_dec"),
        views.get("b_dec"),
        views.get("first_moment"),
        views.get("second_moment"),
        views.get("rows_since_fired"));
  }

  /** A dictionary of random unit vectors, an encoder that is its transpose, b_dec at the centre. */
  void start(long seed, double[] scaledCenter) {
    int width = scaledCenter.length;
    for (String matrix : new String[] {"w_dec", "w_enc"}) {
      write(matrix, (from, rows) -> fillDictionary(seed, from, rows));
    }
    write(
        "b_dec",
        (from, rows) -> {
          for (int e = 0; e < rows.rows(); e++) {
            HostMemory.putFloat(rows.address() + 4L * e, (float) scaledCenter[(int) from + e]);
          }
        });
    assert view().width() == width;
  }

  private static void fillDictionary(long seed, long from, TensorView rows) {
    float[] row = new float[(int) rows.rowElements()];
    for (long i = 0; i < rows.rows(); i++) {
      fillUnit(SeededRandom.of(seed, DICTIONARY, from + i), row);
      HostMemory.copy(row, 0, rows.address() + 4L * row.length * i, row.length);
    }
  }

  private static void fillUnit(SeededRandom random, float[] row) {
    double squares = 0;
    while (squares == 0) {
      for (int e = 0; e < row.length; e++) {
        row[e] = random.nextBell();
        squares += (double) row[e] * row[e];
      }
    }
    double norm = Math.sqrt(squares);
    for (int e = 0; e < row.length; e++) {
      row[e] = (float) (row[e] / norm);
    }
  }

  /** Fills a tensor through a small buffer on the host, in order. */
  void write(String name, RowFiller filler) {
    TensorView whole = owners.get(name).view();
    try (HostTensor staging = staging(whole)) {
      for (long from = 0; from < whole.rows(); from += staging.shape().extent(0)) {
        long to = Math.min(whole.rows(), from + staging.shape().extent(0));
        TensorView rows = staging.view().rows(0, to - from);
        filler.fill(from, rows);
        backend.copy(rows, whole.rows(from, to));
      }
    }
  }

  /** Hands a tensor over through a small buffer on the host, in order. */
  void read(String name, RowSink sink) {
    TensorView whole = owners.get(name).view();
    try (HostTensor staging = staging(whole)) {
      for (long from = 0; from < whole.rows(); from += staging.shape().extent(0)) {
        long to = Math.min(whole.rows(), from + staging.shape().extent(0));
        TensorView rows = staging.view().rows(0, to - from);
        backend.copy(whole.rows(from, to), rows);
        sink.take(rows);
      }
    }
  }

  private static HostTensor staging(TensorView whole) {
    long rowBytes = whole.rowElements() * whole.dtype().bytes();
    long[] extents = whole.shape().extents();
    extents[0] = Math.max(1, Math.min(extents[0], STAGING_BYTES / rowBytes));
    return HostTensor.allocate(whole.dtype(), Shape.of(extents));
  }

  /** A copy of a whole tensor on the host, times {@code factor}; F32. */
  HostTensor toHost(String name, double factor) {
    TensorView whole = owners.get(name).view();
    HostTensor copy = HostTensor.allocate(whole.dtype(), whole.shape());
    try {
      backend.copy(whole, copy.view());
      for (long j = 0; factor != 1 && j < copy.shape().elements(); j++) {
        copy.setFloat(j, (float) (copy.getFloat(j) * factor));
      }
      return copy;
    } catch (RuntimeException e) {
      copy.close();
      throw e;
    }
  }

  @Override
  public void close() {
    owners.values().forEach(TensorOwner::close);
  }
}
