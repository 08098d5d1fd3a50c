package dev.coxswain.sae;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.backend.TensorTwin;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayList;
import java.util.List;

/**
 * One block of rows in passage between files and a backend: hidden states and active features, each
 * on the host and on the device. Reused from block to block.
 */
final class EncodedRows implements AutoCloseable {
  private static final long BLOCK_BYTES = 32 << 20;
  private static final long MAX_ROWS = 8192;

  private final List<TensorTwin> twins = new ArrayList<>();
  private final TensorTwin x;
  private final TensorTwin values;
  private final TensorTwin indices;
  private final TensorTwin normalization;
  private final long rows;

  /**
   * @param dtype of the hidden states
   * @param width d
   * @param places K
   */
  EncodedRows(Backend backend, DType dtype, int width, long places) {
    long rowBytes = (long) width * dtype.bytes() + 8 * places + 8;
    this.rows = Math.max(1, Math.min(MAX_ROWS, BLOCK_BYTES / rowBytes));
    try {
      this.x = twin(backend, dtype, rows, width);
      this.values = twin(backend, DType.F32, rows, places);
      this.indices = twin(backend, DType.I32, rows, places);
      this.normalization = twin(backend, DType.F32, rows, 2);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private TensorTwin twin(Backend backend, DType dtype, long... extents) {
    TensorTwin twin = new TensorTwin(backend, dtype, extents);
    twins.add(twin);
    return twin;
  }

  /** Rows of a block. */
  long rows() {
    return rows;
  }

  /** Hidden states on the host, first {@code n} rows. */
  TensorView x(long n) {
    return x.onHost(n);
  }

  TensorView values(long n) {
    return values.onHost(n);
  }

  TensorView indices(long n) {
    return indices.onHost(n);
  }

  TensorView normalization(long n) {
    return normalization.onHost(n);
  }

  /** Hidden states for the backend to read or write. */
  TensorView deviceX(long n) {
    return x.onDevice(n);
  }

  /** Active features for the backend to read or write. */
  SparseRows deviceRows(long n) {
    return new SparseRows(values.onDevice(n), indices.onDevice(n), normalization.onDevice(n));
  }

  void copyXToDevice(long n) {
    x.toDevice(n);
  }

  void copyXToHost(long n) {
    x.toHost(n);
  }

  void copyRowsToDevice(long n) {
    values.toDevice(n);
    indices.toDevice(n);
    normalization.toDevice(n);
  }

  void copyRowsToHost(long n) {
    values.toHost(n);
    indices.toHost(n);
    normalization.toHost(n);
  }

  @Override
  public void close() {
    twins.forEach(TensorTwin::close);
  }
}
