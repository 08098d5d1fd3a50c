package dev.coxswain.host;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.sae.PlacedAutoencoder;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
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
    this.memory = new Memory(1, DType.F32, width, places);
  }

  void observe(NativeWords call) {
    if (call.get(WIDTH) != width) {
      throw new InvalidDataException(
          "the block's rows have " + call.get(WIDTH) + " elements, the observed SAE's " + width);
    }
    long rows = call.get(ROWS);
    DType dtype = NativeWords.dtype(call.get(DTYPE));
    require(rows, dtype, places);
    memory.copyRows(call.get(DATA), call.get(STRIDE));
    EncodeReport report = engine.backend().encode(sae.encoder(), memory.rows, memory.active);
    if (report.firstOverfullRow() >= 0) {
      places = (int) Math.min(features, 2 * report.mostActive());
      require(rows, dtype, places);
      memory.copyRows(call.get(DATA), call.get(STRIDE));
      engine.backend().encode(sae.encoder(), memory.rows, memory.active);
    }
    call.set(PLACES, places);
    call.set(VALUES, memory.active.values().address());
    call.set(INDICES, memory.active.indices().address());
  }

  private void require(long rows, DType dtype, int wantedPlaces) {
    if (memory.fits(rows, dtype, wantedPlaces)) {
      memory.use(rows);
      return;
    }
    memory.close();
    memory = new Memory(rows, dtype, width, wantedPlaces);
  }

  @Override
  public void close() {
    memory.close();
    sae.close();
  }

  /** Rows side by side, as the encoder wants them, and what it finds. */
  private static final class Memory implements AutoCloseable {
    private final HostTensor x;
    private final HostTensor values;
    private final HostTensor indices;
    private final HostTensor normalization;
    private TensorView rows;
    private SparseRows active;

    Memory(long count, DType dtype, int width, int places) {
      x = HostTensor.allocate(dtype, count, width);
      values = HostTensor.allocate(DType.F32, count, places);
      indices = HostTensor.allocate(DType.I32, count, places);
      normalization = HostTensor.allocate(DType.F32, count, 2);
      rows = x.view();
      active = all();
    }

    private SparseRows all() {
      return new SparseRows(values.view(), indices.view(), normalization.view());
    }

    boolean fits(long count, DType dtype, int places) {
      return x.dtype() == dtype
          && x.shape().extent(0) >= count
          && values.shape().extent(1) == places;
    }

    void use(long count) {
      if (rows.rows() != count) {
        rows = x.view().rows(0, count);
        active = all().rows(0, count);
      }
    }

    void copyRows(long data, long stride) {
      long bytes = rows.byteSize() / Math.max(1, rows.rows());
      for (long i = 0; i < rows.rows(); i++) {
        HostMemory.copy(data + i * stride, rows.address() + i * bytes, bytes);
      }
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
