package dev.coxswain.backend;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.MemorySpace;

/**
 * Steers rows of a batch that may each have another kernel, in place. For one thread at a time; it
 * keeps what it derives from a batch, so a host has one for each place whose batches resemble each
 * other: a layer. Allocates nothing once it has met its batches' sizes.
 */
public interface SteerBatch extends AutoCloseable {
  /** In {@code rowKernels}: the row is left alone. */
  int NO_KERNEL = -1;

  /**
   * Steers n rows. Rows without a kernel are not touched; one that is gated off or not finite keeps
   * its bits.
   *
   * <p>Rows in host memory are done on return. Rows in a device's memory are done in the order of
   * the stream's work: it is not waited for, and the kernels may be closed at once.
   *
   * @param kernels this backend's; the first {@code count} are meant, all as wide as the rows
   * @param rowKernels address of n int32 in host memory: each row's place in {@code kernels}, or
   *     {@link #NO_KERNEL}
   * @param rows address of the first row
   * @param stride bytes from one row to the next, at least d elements
   * @param n rows; 0 is valid
   * @param dtype of the rows: F32, F16 or BF16
   * @param space the rows' memory: the host's or this backend's
   * @param stream handle of the CUDA stream that the rows belong to, 0 for the default stream;
   *     without meaning for rows in host memory
   */
  void apply(
      SteerKernel[] kernels,
      int count,
      long rowKernels,
      long rows,
      long stride,
      long n,
      DType dtype,
      MemorySpace space,
      long stream);

  /**
   * Adds what was counted since the last call, as far as the device has come.
   *
   * @param counters address of {@link SteerKernel#COUNTERS} longs in host memory
   */
  void count(long counters);

  @Override
  void close();
}
