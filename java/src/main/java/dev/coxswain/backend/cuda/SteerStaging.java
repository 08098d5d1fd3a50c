package dev.coxswain.backend.cuda;

import dev.coxswain.backend.SteerBatch;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;

/**
 * The rows of a batch in host memory that have a plan, side by side, on their way to a device and
 * back.
 */
final class SteerStaging implements AutoCloseable {
  private HostTensor rows = HostTensor.allocate(DType.U8, 64);
  private HostTensor rowKernels = HostTensor.allocate(DType.I32, 64);

  /** Copies the rows that have a kernel out; returns how many. */
  long pack(long given, long source, long stride, long n, long rowBytes) {
    require(n, rowBytes);
    long packed = 0;
    for (long i = 0; i < n; i++) {
      int kernel = HostMemory.getInt(given + 4 * i);
      if (kernel != SteerBatch.NO_KERNEL) {
        HostMemory.putInt(rowKernels() + 4 * packed, kernel);
        HostMemory.copy(source + i * stride, rows() + packed * rowBytes, rowBytes);
        packed++;
      }
    }
    return packed;
  }

  /** Copies them back. */
  void unpack(long given, long target, long stride, long n, long rowBytes) {
    long packed = 0;
    for (long i = 0; i < n; i++) {
      if (HostMemory.getInt(given + 4 * i) != SteerBatch.NO_KERNEL) {
        HostMemory.copy(rows() + packed * rowBytes, target + i * stride, rowBytes);
        packed++;
      }
    }
  }

  private void require(long n, long rowBytes) {
    if (rows.view().byteSize() < n * rowBytes) {
      rows.close();
      rows = HostTensor.allocate(DType.U8, 2 * n * rowBytes);
    }
    if (rowKernels.shape().elements() < n) {
      rowKernels.close();
      rowKernels = HostTensor.allocate(DType.I32, 2 * n);
    }
  }

  long rows() {
    return rows.view().address();
  }

  long rowKernels() {
    return rowKernels.view().address();
  }

  @Override
  public void close() {
    rows.close();
    rowKernels.close();
  }
}
