package dev.coxswain.backend.cuda;

import dev.coxswain.backend.NativeHandle;
import dev.coxswain.error.DeviceException;
import dev.coxswain.tensor.MemorySpace;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import jcuda.CudaException;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.JCudaDriver;
import org.slf4j.LoggerFactory;

/**
 * One CUDA device and its primary context, which is the one that a host's runtime API uses too, so
 * that pointers and streams are valid on both sides. Everything of ours on the device is reached
 * through it: lanes to work in, modules, memory. Thread-safe.
 *
 * <p>The context is kept until this is closed and the last lane and buffer are given back; so a
 * close never pulls it from under another thread. After an error that CUDA cannot recover from the
 * device is <i>lost</i>: every use throws the reason, closing still works.
 */
final class CudaDevice implements AutoCloseable {
  /** What a pop is written to; nobody reads it. */
  private static final CUcontext POPPED = new CUcontext();

  private final CudaDriver driver;
  private final MemorySpace space;
  private final CUdevice device;
  private final CUcontext context = new CUcontext();
  private final DeviceTraits traits;
  private final NativeHandle users;
  private final KernelWatch watch = new KernelWatch(this);
  private final ArrayDeque<CudaLane> idle = new ArrayDeque<>();
  private final Map<String, CudaModule> modules = new HashMap<>();
  private final ConcurrentSkipListMap<Long, DeviceBuffer> buffers = new ConcurrentSkipListMap<>();
  private volatile Optional<String> lost = Optional.empty();

  private CudaDevice(CudaDriver driver, int ordinal) {
    this.driver = driver;
    this.space = MemorySpace.cuda(ordinal);
    this.device = device(driver, ordinal);
    this.users = new NativeHandle("CudaBackend", 0, unused -> release());
    try {
      this.traits = DeviceTraits.of(device);
      JCudaDriver.cuDevicePrimaryCtxRetain(context, device);
    } catch (CudaException e) {
      throw failure("make a context", e);
    }
  }

  /**
   * @throws DeviceException where there is no such device, or it cannot be used
   */
  static CudaDevice open(CudaDriver driver, int ordinal) {
    return new CudaDevice(driver, ordinal);
  }

  private static CUdevice device(CudaDriver driver, int ordinal) {
    if (ordinal >= driver.devices()) {
      throw new DeviceException(
          "there is no cuda:" + ordinal + "; cuda:0 to cuda:" + (driver.devices() - 1) + " exist");
    }
    CUdevice device = new CUdevice();
    try {
      JCudaDriver.cuDeviceGet(device, ordinal);
      return device;
    } catch (CudaException e) {
      throw new DeviceException("the driver does not find it: " + CudaErrors.describe(e), e);
    }
  }

  CudaDriver driver() {
    return driver;
  }

  DeviceTraits traits() {
    return traits;
  }

  MemorySpace space() {
    return space;
  }

  KernelWatch watch() {
    return watch;
  }

  /** One of CUdevice_attribute's. */
  int attribute(int attribute) {
    int[] value = new int[1];
    try {
      JCudaDriver.cuDeviceGetAttribute(value, attribute, device);
      return value[0];
    } catch (CudaException e) {
      throw failure("say its attribute " + attribute, e);
    }
  }

  // --- use

  /**
   * Holds the device for this thread and makes its context current, on top of what the thread had;
   * {@link #leave} undoes both. Allocates nothing.
   *
   * @throws IllegalStateException once closed
   * @throws DeviceException once lost
   */
  void enter() {
    hold();
    try {
      JCudaDriver.cuCtxPushCurrent(context);
    } catch (CudaException e) {
      users.release();
      throw failure("make the context current", e);
    }
  }

  /** Holds the device without its context. */
  void hold() {
    if (lost.isPresent()) {
      throw new DeviceException(lost.get());
    }
    users.acquire();
  }

  /** Undoes a {@link #hold}. */
  void letGo() {
    users.release();
  }

  /** Undoes an {@link #enter} of the same thread. */
  void leave() {
    popContext();
    users.release();
  }

  private void popContext() {
    try {
      JCudaDriver.cuCtxPopCurrent(POPPED);
    } catch (CudaException e) {
      report("restore the thread's context", e);
    }
  }

  /** Runs something in the context although the device may be closed or lost: to free things. */
  void quietly(String doing, Runnable action) {
    try {
      JCudaDriver.cuCtxPushCurrent(context);
      try {
        action.run();
      } finally {
        JCudaDriver.cuCtxPopCurrent(POPPED);
      }
    } catch (CudaException e) {
      report(doing, e);
    }
  }

  /** Of a failure while something is freed: there is nobody to throw it at. */
  void report(String doing, CudaException e) {
    if (lost.isEmpty()) {
      LoggerFactory.getLogger(CudaDevice.class).warn("{}", failure(doing, e).getMessage());
    }
  }

  /**
   * A stream with all that one operation needs beside it, for this thread alone until it is closed.
   * Allocates nothing once there are as many lanes as threads.
   *
   * @throws IllegalStateException once closed
   * @throws DeviceException once lost
   */
  CudaLane lane() {
    enter();
    try {
      CudaLane lane;
      synchronized (idle) {
        lane = idle.pollLast();
      }
      return lane == null ? new CudaLane(this) : lane;
    } catch (RuntimeException | Error e) {
      leave();
      throw e;
    }
  }

  /** To be called by the lane's close. */
  void giveBack(CudaLane lane) {
    synchronized (idle) {
      idle.addLast(lane);
    }
    leave();
  }

  /**
   * The kernel of that name, its module loaded at first use; call it in a lane.
   *
   * @param module as in {@code encode} for kernels/encode.cu
   */
  CudaFunction function(String module, String function) {
    CudaModule loaded;
    synchronized (modules) {
      loaded = modules.get(module);
      if (loaded == null) {
        loaded = new CudaModule(this, module);
        modules.put(module, loaded);
      }
    }
    return loaded.function(function);
  }

  // --- memory

  /**
   * Address of new memory, its content undefined; call it in a lane.
   *
   * @throws DeviceException where there is not so much, with what there is
   */
  long allocate(long bytes) {
    try {
      return allocateOnce(bytes);
    } catch (CudaException full) {
      if (!CudaErrors.isOutOfMemory(full)) {
        throw failure("allocate " + bytes + " bytes", full);
      }
      if (!freeCaches()) {
        throw outOfMemory(bytes, full);
      }
    }
    try {
      return allocateOnce(bytes);
    } catch (CudaException e) {
      throw CudaErrors.isOutOfMemory(e)
          ? outOfMemory(bytes, e)
          : failure("allocate " + bytes + " bytes", e);
    }
  }

  private static long allocateOnce(long bytes) {
    Addresses.Device address = new Addresses.Device();
    JCudaDriver.cuMemAlloc(address, bytes);
    return address.address();
  }

  /** Scratch memory that idle lanes keep for their next use; true where there was some. */
  private boolean freeCaches() {
    boolean freed = false;
    synchronized (idle) {
      for (CudaLane lane : idle) {
        freed |= lane.freeCaches();
      }
    }
    return freed;
  }

  private DeviceException outOfMemory(long bytes, CudaException e) {
    long[] memory = memory();
    return new DeviceException(
        space
            + " is out of memory: "
            + bytes
            + " bytes are asked for, "
            + memory[0]
            + " of "
            + memory[1]
            + " are free",
        e);
  }

  /** Free and total bytes; call it in a lane. */
  long[] memory() {
    long[] free = new long[1];
    long[] total = new long[1];
    try {
      JCudaDriver.cuMemGetInfo(free, total);
      return new long[] {free[0], total[0]};
    } catch (CudaException e) {
      throw failure("ask for the free memory", e);
    }
  }

  /**
   * Frees what {@link #allocate} gave; call it with the context current. A lost device has none.
   */
  void free(long address) {
    try {
      JCudaDriver.cuMemFree(new Addresses.Device(address));
    } catch (CudaException e) {
      report("free memory", e);
    }
  }

  /** The address of a tensor in this device's memory. */
  long address(String name, TensorView view) {
    if (!view.space().equals(space)) {
      throw new IllegalArgumentException(
          name + " is in " + view.space() + " memory; this backend reads " + space + " memory");
    }
    return view.address();
  }

  /** As {@link #address(String, TensorView)}, or 0 where there is none. */
  long address(String name, Optional<TensorView> view) {
    return view.isPresent() ? address(name, view.get()) : 0;
  }

  void add(DeviceBuffer buffer) {
    buffers.put(buffer.address(), buffer);
  }

  void remove(DeviceBuffer buffer) {
    buffers.remove(buffer.address(), buffer);
  }

  /** The buffer of ours that holds this address, if any: a host's own memory is in none. */
  Optional<DeviceBuffer> bufferAt(long address) {
    Map.Entry<Long, DeviceBuffer> entry = buffers.floorEntry(address);
    return entry != null && entry.getValue().holds(address)
        ? Optional.of(entry.getValue())
        : Optional.empty();
  }

  /** What was derived from this tensor's content no longer holds. */
  void written(TensorView view) {
    bufferAt(view.address()).ifPresent(DeviceBuffer::forgetDerived);
  }

  // --- failure and end

  /**
   * The exception for a failed driver call. An error beyond repair makes the device lost.
   *
   * @param doing as in {@code allocate 16 bytes}
   */
  DeviceException failure(String doing, CudaException e) {
    String reason = space + " could not " + doing + ": " + CudaErrors.describe(e);
    if (CudaErrors.isSticky(e)) {
      synchronized (this) {
        if (lost.isEmpty()) {
          lost = Optional.of(reason + "; it is lost to this process");
        }
      }
    }
    return new DeviceException(reason, e);
  }

  /** Whether an error made every further use impossible. */
  boolean isLost() {
    return lost.isPresent();
  }

  /** Idempotent; frees everything once the last lane and buffer are given back. */
  @Override
  public void close() {
    users.close();
  }

  private void release() {
    idle.forEach(lane -> quietly("free a stream", lane::free));
    modules.values().forEach(module -> quietly("unload a module", module::unload));
    try {
      JCudaDriver.cuDevicePrimaryCtxRelease(device);
    } catch (CudaException e) {
      report("release its context", e);
    }
  }
}
