package dev.coxswain.tensor;

import java.util.Arrays;
import java.util.stream.Collectors;

/** The extents of a row-major tensor; immutable. A scalar has rank 0. */
public final class Shape {
  private final long[] extents;
  private final long elements;

  private Shape(long[] extents) {
    this.extents = extents;
    long product = 1;
    for (long extent : extents) {
      if (extent < 0) {
        throw new IllegalArgumentException("negative extent in shape " + Arrays.toString(extents));
      }
      product = Math.multiplyExact(product, extent);
    }
    this.elements = product;
  }

  /**
   * @throws IllegalArgumentException for a negative extent
   * @throws ArithmeticException where the number of elements exceeds 2^63-1
   */
  public static Shape of(long... extents) {
    return new Shape(extents.clone());
  }

  public int rank() {
    return extents.length;
  }

  public long extent(int axis) {
    return extents[axis];
  }

  public long elements() {
    return elements;
  }

  public long[] extents() {
    return extents.clone();
  }

  public boolean is(long... wanted) {
    return Arrays.equals(extents, wanted);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(extents, shape.extents);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(extents);
  }

  /** As in {@code [1024, 576]}. */
  @Override
  public String toString() {
    return Arrays.stream(extents)
        .mapToObj(Long::toString)
        .collect(Collectors.joining(", ", "[", "]"));
  }
}
