package dev.coxswain.tensor;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Owner of a tensor in host memory outside the Java heap: 64-byte aligned, zeroed at birth, of any
 * size. {@link #close()} is idempotent and thread-safe. Element access is for set-up, files and
 * tests; it is bounds-checked and not meant for hot paths.
 */
public final class HostTensor implements TensorOwner {
  private static final long ALIGNMENT = 64;

  private final AtomicLong allocation;
  private final TensorView view;
  private final LeakReport.Ticket leak;

  private HostTensor(long allocation, TensorView view) {
    this.allocation = new AtomicLong(allocation);
    this.view = view;
    this.leak = LeakReport.watch(this, "HostTensor " + view.dtype() + " " + view.shape());
  }

  /**
   * @throws OutOfMemoryError where the machine has not that much memory
   */
  public static HostTensor allocate(DType dtype, Shape shape) {
    long bytes = Math.multiplyExact(shape.elements(), dtype.bytes());
    long allocation = HostMemory.allocate(Math.addExact(bytes, ALIGNMENT));
    long address = (allocation + ALIGNMENT - 1) & -ALIGNMENT;
    HostMemory.fill(address, bytes, (byte) 0);
    return new HostTensor(allocation, new TensorView(address, dtype, shape, MemorySpace.HOST));
  }

  public static HostTensor allocate(DType dtype, long... extents) {
    return allocate(dtype, Shape.of(extents));
  }

  public static HostTensor ofFloats(Shape shape, float... values) {
    requireCount(shape, values.length);
    HostTensor tensor = allocate(DType.F32, shape);
    HostMemory.copy(values, 0, tensor.view.address(), values.length);
    return tensor;
  }

  public static HostTensor ofInts(Shape shape, int... values) {
    requireCount(shape, values.length);
    HostTensor tensor = allocate(DType.I32, shape);
    for (int i = 0; i < values.length; i++) {
      HostMemory.putInt(tensor.view.address() + 4L * i, values[i]);
    }
    return tensor;
  }

  private static void requireCount(Shape shape, int count) {
    if (shape.elements() != count) {
      throw new IllegalArgumentException(count + " values for shape " + shape);
    }
  }

  @Override
  public TensorView view() {
    if (allocation.get() == 0) {
      throw new IllegalStateException("HostTensor is closed");
    }
    return view;
  }

  public Shape shape() {
    return view.shape();
  }

  public DType dtype() {
    return view.dtype();
  }

  public float getFloat(long index) {
    return HostMemory.getFloat(at(DType.F32, index));
  }

  public void setFloat(long index, float value) {
    HostMemory.putFloat(at(DType.F32, index), value);
  }

  public int getInt(long index) {
    return HostMemory.getInt(at(DType.I32, index));
  }

  public void setInt(long index, int value) {
    HostMemory.putInt(at(DType.I32, index), value);
  }

  private long at(DType wanted, long index) {
    TensorView open = view();
    if (open.dtype() != wanted) {
      throw new IllegalArgumentException("tensor holds " + open.dtype() + ", not " + wanted);
    }
    if (index < 0 || index >= open.shape().elements()) {
      throw new IndexOutOfBoundsException("element " + index + " of shape " + open.shape());
    }
    return open.address() + index * wanted.bytes();
  }

  /** A copy of all elements of an F32 tensor that fits a Java array. */
  public float[] toFloats() {
    float[] copy = new float[Math.toIntExact(shape().elements())];
    if (copy.length > 0) {
      HostMemory.copy(at(DType.F32, 0), copy, 0, copy.length);
    }
    return copy;
  }

  /** A copy of all elements of an I32 tensor that fits a Java array. */
  public int[] toInts() {
    int[] copy = new int[Math.toIntExact(shape().elements())];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = getInt(i);
    }
    return copy;
  }

  @Override
  public void close() {
    long address = allocation.getAndSet(0);
    if (address != 0) {
      leak.close();
      HostMemory.free(address);
    }
  }
}
