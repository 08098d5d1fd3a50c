package dev.coxswain.backend.cuda;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.LeakReport;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * Owner of a tensor in a device's memory, on an allocation of its own. It keeps the device's
 * context alive. {@link #close} is idempotent and thread-safe, and waits for the device's work as
 * the driver's own free does.
 */
final class DeviceBuffer implements TensorOwner {
  private final CudaDevice device;
  private final TensorView view;
  private final LeakReport.Ticket leak;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final Map<Class<?>, AutoCloseable> derived = new HashMap<>();

  private DeviceBuffer(CudaDevice device, TensorView view) {
    this.device = device;
    this.view = view;
    this.leak = LeakReport.watch(this, "DeviceBuffer " + view.dtype() + " " + view.shape());
  }

  /** With undefined content; call it in a lane. A tensor without elements has no memory. */
  static DeviceBuffer allocate(CudaDevice device, DType dtype, Shape shape) {
    long bytes = Math.multiplyExact(shape.elements(), dtype.bytes());
    device.hold();
    try {
      long address = bytes == 0 ? 0 : device.allocate(bytes);
      TensorView view = new TensorView(address, dtype, shape, device.space());
      DeviceBuffer buffer = new DeviceBuffer(device, view);
      if (bytes > 0) {
        device.add(buffer);
      }
      return buffer;
    } catch (RuntimeException | Error e) {
      device.letGo();
      throw e;
    }
  }

  @Override
  public TensorView view() {
    if (closed.get()) {
      throw new IllegalStateException("DeviceBuffer is closed");
    }
    return view;
  }

  long address() {
    return view.address();
  }

  boolean holds(long address) {
    return address >= view.address() && address - view.address() < view.byteSize();
  }

  /**
   * What an operation makes of this buffer's content once and keeps: made at first use, and again
   * after a write through the backend; closed with the buffer. Call it in a lane.
   *
   * @param make sees the content as it is now
   */
  <T extends AutoCloseable> T derived(Class<T> kind, Supplier<T> make) {
    synchronized (derived) {
      view();
      return kind.cast(derived.computeIfAbsent(kind, unused -> make.get()));
    }
  }

  void forgetDerived() {
    synchronized (derived) {
      derived.values().forEach(DeviceBuffer::close);
      derived.clear();
    }
  }

  private static void close(AutoCloseable made) {
    try {
      made.close();
    } catch (Exception e) {
      throw new IllegalStateException("cannot free what was derived from a DeviceBuffer", e);
    }
  }

  @Override
  public void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    leak.close();
    forgetDerived();
    if (view.address() != 0) {
      device.remove(this);
      device.quietly("free memory", () -> device.free(view.address()));
    }
    device.letGo();
  }
}
