package dev.coxswain.backend;

import dev.coxswain.tensor.DType;

/**
 * A plan's update bound to a device: validated once, immutable and thread-safe. On rows of the host
 * it allocates nothing when it runs; for rows of a device {@link SteerBatch} is what does not. It
 * keeps copies of what it needs, so the plan's tensors may be closed.
 */
public interface SteerKernel extends AutoCloseable {
  /** Longs at {@code counters}: steered, gated off, non-finite, clamped to the storage type. */
  int COUNTERS = 4;

  int STEERED = 0;
  int GATED_OFF = 1;
  int NON_FINITE = 2;
  int SATURATED = 3;

  /** d: elements of one row. */
  int width();

  /**
   * Steers n rows. Every row of {@code y} is written; one that is not selected, gated off, or not
   * finite is a bit-for-bit copy of its x.
   *
   * @param x address of the rows in the device's memory
   * @param xStride bytes from one row of x to the next, at least d elements
   * @param y address of the result; may equal x (then yStride = xStride), must not overlap
   *     otherwise
   * @param rows n; 0 is valid
   * @param dtype of x and y: F32, F16 or BF16
   * @param selection address of n bytes in host memory, not 0 = steer this row; 0 = steer all rows
   * @param counters address of {@link #COUNTERS} longs in host memory that this call adds to; 0 =
   *     none
   */
  void apply(
      long x,
      long xStride,
      long y,
      long yStride,
      long rows,
      DType dtype,
      long selection,
      long counters);

  @Override
  void close();
}
