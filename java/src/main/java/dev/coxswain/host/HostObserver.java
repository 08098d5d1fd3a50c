package dev.coxswain.host;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Backend;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.backend.TensorTwin;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.sae.PlacedAutoencoder;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.TensorView;

/**
 * Finds the active features of a lane's blocks. Keeps its memory from block to block; used by the
 * lane's own thread alone.
 */
final class HostObserver implements AutoCloseable {
  private static final int DATA = 1;
  private static final int STRIDE = 2;
  private static final int ROWS = 3;
  private static final int WIDTH = 4;
  private static final int DTYPE = 5;
  private static final int PLACES = 6;
  private static final int VALUES = 7;
  private static final int INDICES = 8;

  /** Places a row to begin with where the activation does not bound them. */
  private static final int FIRST_PLACES = 64;

  private final HostEngine engine;
  private final PlacedAutoencoder sae;
  private final int width;
  private final int features;
  private int places;
  private Memory memory;

  HostObserver(HostEngine engine, HostSae sae) {
    this.engine = engine;
    this.sae = PlacedAutoencoder.place(engine.backend(), sae.sae());
    this.width = sae.sae().width();
    this.features = sae.sae().features();
    boolean bounded = sae.sae().activation() == Activation.TOP_K;
    this.places = bounded ? sae.sae().k() : Math.min(FIRST_PLACES, features);
    this.memory = new Memory(engine.backend(), 1, DType.F32, width, places);
  }

  void observe(NativeWords call) {
    if (call.get(WIDTH) != width) {
      throw new InvalidDataException(
          "the block's rows have " + call.get(WIDTH) + " elements, the observed SAE's " + width);
    }
    long rows = call.get(ROWS);
    DType dtype = NativeWords.dtype(call.get(DTYPE));
    EncodeReport report = encode(call, rows, dtype);
    if (report.firstOverfullRow() >= 0) {
      places = (int) Math.min(features, 2 * report.mostActive());
      encode(call, rows, dtype);
    }
    call.set(PLACES, places);
    call.set(VALUES, memory.values.onHost(rows).address());
    call.set(INDICES, memory.indices.onHost(rows).address());
  }

  private EncodeReport encode(NativeWords call, long rows, DType dtype) {
    if (!memory.fits(rows, dtype, places)) {
      memory.close();
      memory = new Memory(engine.backend(), rows, dtype, width, places);
    }
    memory.fill(call.get(DATA), call.get(STRIDE), rows);
    EncodeReport report =
        engine.backend().encode(sae.encoder(), memory.x.onDevice(rows), memory.active(rows));
    memory.values.toHost(rows);
    memory.indices.toHost(rows);
    return report;
  }

  @Override
  public void close() {
    memory.close();
    sae.close();
  }

  /** Rows side by side, as the encoder wants them, and what it finds. */
  private static final class Memory implements AutoCloseable {
    private final TensorTwin x;
    private final TensorTwin values;
    private final TensorTwin indices;
    private final TensorTwin normalization;
    private long used;
    private SparseRows active;

    Memory(Backend backend, long count, DType dtype, int width, int places) {
      x = new TensorTwin(backend, dtype, count, width);
      values = new TensorTwin(backend, DType.F32, count, places);
      indices = new TensorTwin(backend, DType.I32, count, places);
      normalization = new TensorTwin(backend, DType.F32, count, 2);
      used = -1;
    }

    boolean fits(long count, DType dtype, int places) {
      return x.dtype() == dtype
          && x.shape().extent(0) >= count
          && values.shape().extent(1) == places;
    }

    SparseRows active(long count) {
      if (used != count) {
        active =
            new SparseRows(
                values.onDevice(count), indices.onDevice(count), normalization.onDevice(count));
        used = count;
      }
      return active;
    }

    void fill(long data, long stride, long count) {
      TensorView rows = x.onHost(count);
      long bytes = rows.rowElements() * rows.dtype().bytes();
      for (long i = 0; i < count; i++) {
        HostMemory.copy(data + i * stride, rows.address() + i * bytes, bytes);
      }
      x.toDevice(count);
    }

    @Override
    public void close() {
      x.close();
      values.close();
      indices.close();
      normalization.close();
    }
  }
}
