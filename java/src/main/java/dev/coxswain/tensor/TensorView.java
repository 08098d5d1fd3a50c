package dev.coxswain.tensor;

import java.util.Objects;

/**
 * A window on contiguous row-major memory that somebody else owns; valid while the owner is open.
 * Immutable; the memory behind it is not.
 *
 * @param address of the first element, in {@code space}
 * @param dtype type of each element; one that fills whole bytes
 * @param shape row-major extents
 * @param space the memory that {@code address} belongs to
 */
public record TensorView(long address, DType dtype, Shape shape, MemorySpace space) {
  public TensorView {
    Objects.requireNonNull(dtype, "dtype");
    Objects.requireNonNull(shape, "shape");
    Objects.requireNonNull(space, "space");
    if (address == 0 && shape.elements() > 0) {
      throw new IllegalArgumentException("address 0 for a tensor of shape " + shape);
    }
  }

  public static TensorView host(long address, DType dtype, long... extents) {
    return new TensorView(address, dtype, Shape.of(extents), MemorySpace.HOST);
  }

  public long byteSize() {
    return Math.multiplyExact(shape.elements(), dtype.bytes());
  }

  /** Extent of the first axis. */
  public long rows() {
    return shape.rank() == 0 ? 1 : shape.extent(0);
  }

  /** Elements of one row: the product of all extents but the first. */
  public long rowElements() {
    long product = 1;
    for (int axis = 1; axis < shape.rank(); axis++) {
      product *= shape.extent(axis);
    }
    return product;
  }

  /** Rows {@code from} (inclusive) to {@code to} (exclusive) of the first axis. */
  public TensorView rows(long from, long to) {
    if (from < 0 || to < from || to > rows()) {
      throw new IndexOutOfBoundsException("rows " + from + " to " + to + " of " + shape);
    }
    long[] extents = shape.extents();
    extents[0] = to - from;
    long offset = from * rowElements() * dtype.bytes();
    return new TensorView(address + offset, dtype, Shape.of(extents), space);
  }

  /** The same memory under another shape of as many elements. */
  public TensorView reshape(long... extents) {
    Shape other = Shape.of(extents);
    if (other.elements() != shape.elements()) {
      throw new IllegalArgumentException("cannot view " + shape + " as " + other);
    }
    return new TensorView(address, dtype, other, space);
  }

  /** This view, if it has that type and shape. */
  public TensorView require(String name, DType wantedType, long... wantedShape) {
    if (dtype != wantedType || !shape.is(wantedShape)) {
      throw new IllegalArgumentException(
          name
              + " is "
              + dtype
              + " "
              + shape
              + "; "
              + wantedType
              + " "
              + Shape.of(wantedShape)
              + " is needed");
    }
    return this;
  }
}
