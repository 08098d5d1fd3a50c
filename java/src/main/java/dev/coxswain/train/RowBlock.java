package dev.coxswain.train;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;

/**
 * A run of consecutive rows with their norms and marks; refilled for the next. One thread's own.
 */
final class RowBlock implements AutoCloseable {
  private final int capacity;
  private final int width;
  private final HostTensor staging;
  private final float[] values;
  private final double[] norms;
  private final RowMark[] marks;
  private int rows;

  /**
   * @param capacity most rows it holds
   */
  RowBlock(int capacity, int width) {
    this.capacity = capacity;
    this.width = width;
    this.staging = HostTensor.allocate(DType.F32, capacity, width);
    this.values = new float[Math.multiplyExact(capacity, width)];
    this.norms = new double[capacity];
    this.marks = new RowMark[capacity];
  }

  /** Rows of {@code width} floats that fill about {@code bytes}, at least one. */
  static int rowsWithin(long bytes, int width) {
    return (int) Math.max(1, Math.min(1 << 16, bytes / (4L * width)));
  }

  int capacity() {
    return capacity;
  }

  int rows() {
    return rows;
  }

  /** All values, row after row. */
  float[] values() {
    return values;
  }

  int offset(int row) {
    return row * width;
  }

  double norm(int row) {
    return norms[row];
  }

  RowMark mark(int row) {
    return marks[row];
  }

  boolean usable(int row) {
    return marks[row] == RowMark.USABLE;
  }

  long count(RowMark wanted) {
    long count = 0;
    for (int i = 0; i < rows; i++) {
      count += marks[i] == wanted ? 1 : 0;
    }
    return count;
  }

  /** Begins a new filling with {@code count} rows, all unmarked. */
  void restart(int count) {
    rows = count;
  }

  /**
   * Where rows {@code from} to {@code to} are to be read to; then {@link #take} takes them over.
   */
  TensorView target(int from, int to) {
    return staging.view().rows(from, to);
  }

  /** Takes over what was read to {@link #target}; finite rows are then usable. */
  void take(int from, int to) {
    TensorView read = target(from, to);
    HostMemory.copy(read.address(), values, from * width, (to - from) * width);
    for (int i = from; i < to; i++) {
      norms[i] = Math.sqrt(squares(values, i * width, width));
      marks[i] = Double.isFinite(norms[i]) ? RowMark.USABLE : RowMark.NON_FINITE;
    }
  }

  void mark(int row, RowMark mark) {
    marks[row] = mark;
  }

  /** Σ x²: NaN or infinite exactly where an element is, for the square of a float fits a double. */
  static double squares(float[] x, int offset, int count) {
    double a = 0;
    double b = 0;
    double c = 0;
    double d = 0;
    int e = offset;
    int end = offset + count;
    for (; e + 3 < end; e += 4) {
      a += (double) x[e] * x[e];
      b += (double) x[e + 1] * x[e + 1];
      c += (double) x[e + 2] * x[e + 2];
      d += (double) x[e + 3] * x[e + 3];
    }
    for (; e < end; e++) {
      a += (double) x[e] * x[e];
    }
    return (a + b) + (c + d);
  }

  @Override
  public void close() {
    staging.close();
  }
}
