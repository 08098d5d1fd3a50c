package dev.coxswain.sae;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
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

  /** A tensor on both sides. */
  private record Twin(HostTensor host, TensorOwner device) {}

  private final Backend backend;
  private final List<Twin> twins = new ArrayList<>();
  private final Twin x;
  private final Twin values;
  private final Twin indices;
  private final Twin normalization;
  private final long rows;

  /**
   * @param dtype of the hidden states
   * @param width d
   * @param places K
   */
  EncodedRows(Backend backend, DType dtype, int width, long places) {
    this.backend = backend;
    long rowBytes = (long) width * dtype.bytes() + 8 * places + 8;
    this.rows = Math.max(1, Math.min(MAX_ROWS, BLOCK_BYTES / rowBytes));
    try {
      this.x = twin(dtype, rows, width);
      this.values = twin(DType.F32, rows, places);
      this.indices = twin(DType.I32, rows, places);
      this.normalization = twin(DType.F32, rows, 2);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private Twin twin(DType dtype, long... extents) {
    HostTensor host = HostTensor.allocate(dtype, extents);
    Twin twin = new Twin(host, backend.space().isHost() ? host : onDevice(dtype, host));
    twins.add(twin);
    return twin;
  }

  private TensorOwner onDevice(DType dtype, HostTensor host) {
    try {
      return backend.allocate(dtype, Shape.of(host.shape().extents()));
    } catch (RuntimeException e) {
      host.close();
      throw e;
    }
  }

  /** Rows of a block. */
  long rows() {
    return rows;
  }

  /** Hidden states on the host, first {@code n} rows. */
  TensorView x(long n) {
    return x.host().view().rows(0, n);
  }

  TensorView values(long n) {
    return values.host().view().rows(0, n);
  }

  TensorView indices(long n) {
    return indices.host().view().rows(0, n);
  }

  TensorView normalization(long n) {
    return normalization.host().view().rows(0, n);
  }

  /** Hidden states for the backend to read or write. */
  TensorView deviceX(long n) {
    return x.device().view().rows(0, n);
  }

  /** Active features for the backend to read or write. */
  SparseRows deviceRows(long n) {
    return new SparseRows(
            values.device().view(), indices.device().view(), normalization.device().view())
        .rows(0, n);
  }

  void copyXToDevice(long n) {
    toDevice(x, n);
  }

  void copyXToHost(long n) {
    toHost(x, n);
  }

  void copyRowsToDevice(long n) {
    toDevice(values, n);
    toDevice(indices, n);
    toDevice(normalization, n);
  }

  void copyRowsToHost(long n) {
    toHost(values, n);
    toHost(indices, n);
    toHost(normalization, n);
  }

  private void toDevice(Twin twin, long n) {
    if (twin.host() != twin.device()) {
      backend.copy(twin.host().view().rows(0, n), twin.device().view().rows(0, n));
    }
  }

  private void toHost(Twin twin, long n) {
    if (twin.host() != twin.device()) {
      backend.copy(twin.device().view().rows(0, n), twin.host().view().rows(0, n));
    }
  }

  @Override
  public void close() {
    for (Twin twin : twins) {
      twin.device().close();
      twin.host().close();
    }
  }
}
