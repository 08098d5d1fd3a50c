package dev.coxswain.backend.cuda;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import jcuda.CudaException;
import jcuda.driver.JCudaDriver;

/**
 * The one argument of a kernel, a struct whose every field takes 8 bytes, in host memory that is
 * used again launch after launch: no object is made, and a launch costs one JNI call. The driver
 * has read it when {@link #launch} returns, so it may be changed at once. For one thread at a time.
 */
final class LaunchBlock implements AutoCloseable {
  /** Words before the struct: the address of the struct is what the driver asks for. */
  private static final int HEAD = 2;

  private final HostTensor memory;
  private final Addresses.Host parameters;
  private final long fields;
  private final int slots;
  private int next;

  /**
   * @param slots most fields of a struct
   */
  LaunchBlock(int slots) {
    this.memory = HostTensor.allocate(DType.I64, HEAD + slots);
    this.parameters = new Addresses.Host(memory.view().address());
    this.fields = parameters.address() + 8 * HEAD;
    this.slots = slots;
    HostMemory.putLong(parameters.address(), fields);
  }

  /** Starts the struct anew; the fields follow in the kernel's order. */
  LaunchBlock begin() {
    next = 0;
    return this;
  }

  /** A pointer or an int64_t. */
  LaunchBlock add(long value) {
    set(next, value);
    next++;
    return this;
  }

  /** A double, which the kernel rounds to float where it needs one. */
  LaunchBlock add(double value) {
    return add(Double.doubleToRawLongBits(value));
  }

  /** Changes field {@code slot} and leaves the others. */
  void set(int slot, long value) {
    if (slot < 0 || slot >= slots) {
      throw new IndexOutOfBoundsException("field " + slot + " of " + slots);
    }
    HostMemory.putLong(fields + 8L * slot, value);
  }

  /**
   * Enqueues the kernel; the device's context must be current. A shape without blocks is left out.
   */
  void launch(CudaFunction function, LaunchShape shape, CudaStream stream) {
    if (shape.gridX() == 0 || shape.gridY() == 0 || shape.gridZ() == 0) {
      return;
    }
    function.allowShared(shape.sharedBytes());
    KernelWatch watch = function.device().watch();
    if (watch.isOn()) {
      watch.around(function.name(), stream.handle(), () -> enqueue(function, shape, stream));
    } else {
      enqueue(function, shape, stream);
    }
  }

  private void enqueue(CudaFunction function, LaunchShape shape, CudaStream stream) {
    try {
      JCudaDriver.cuLaunchKernel(
          function.handle(),
          shape.gridX(),
          shape.gridY(),
          shape.gridZ(),
          shape.blockX(),
          shape.blockY(),
          shape.blockZ(),
          shape.sharedBytes(),
          stream.handle(),
          parameters,
          null);
    } catch (CudaException e) {
      throw function.device().failure("launch " + function.name() + " as " + shape, e);
    }
  }

  @Override
  public void close() {
    memory.close();
  }
}
