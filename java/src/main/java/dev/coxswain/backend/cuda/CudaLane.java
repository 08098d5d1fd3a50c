package dev.coxswain.backend.cuda;

import dev.coxswain.backend.cuda.blas.Blas;
import java.util.Optional;
import jcuda.CudaException;
import jcuda.driver.JCudaDriver;

/**
 * Where one operation runs: a stream, memory for the operation's length, staging for copies, and a
 * launch block. {@link CudaDevice#lane} hands it to one thread with the device's context current
 * there; that thread closes it:
 *
 * <pre>
 * try (CudaLane lane = device.lane()) { ... lane.synchronize(); }
 * </pre>
 */
final class CudaLane implements AutoCloseable {
  /** Fields of the largest args struct, with room to spare. */
  private static final int SLOTS = 64;

  /** Bytes that {@link #fetch} may bring at once. */
  private static final long FETCH_BYTES = 64 << 10;

  private final CudaDevice device;
  private final CudaStream stream;
  private final Scratch scratch;
  private final Staging staging;
  private final LaunchBlock block = new LaunchBlock(SLOTS);
  private final PinnedBuffer fetched;
  private Optional<Blas> blas = Optional.empty();
  private boolean busy;

  CudaLane(CudaDevice device) {
    this.device = device;
    this.fetched = new PinnedBuffer(device, FETCH_BYTES);
    try {
      this.stream = CudaStream.create(device);
    } catch (RuntimeException e) {
      fetched.free();
      throw e;
    }
    this.scratch = new Scratch(device);
    this.staging = new Staging(device, stream);
  }

  CudaDevice device() {
    return device;
  }

  CudaStream stream() {
    busy = true;
    return stream;
  }

  /** Device memory until the lane is closed, its content undefined; 0 bytes have address 0. */
  long scratch(long bytes) {
    return scratch.take(bytes);
  }

  /** The launch block, with its struct begun anew. */
  LaunchBlock args() {
    return block.begin();
  }

  /** Enqueues a kernel with the struct that {@link #args} holds. */
  void launch(CudaFunction function, LaunchShape shape) {
    block.launch(function, shape, stream());
  }

  /** cuBLAS on this lane's stream, made at first use; empty where it cannot be used. */
  Optional<Blas> blas() {
    if (blas.isEmpty()) {
      blas = Blas.open(stream.handle());
    }
    return blas;
  }

  /** Sets device bytes in the stream's order. */
  void fill(long address, byte value, long bytes) {
    if (bytes == 0) {
      return;
    }
    try {
      JCudaDriver.cuMemsetD8Async(new Addresses.Device(address), value, bytes, stream().handle());
    } catch (CudaException e) {
      throw device.failure("fill " + bytes + " bytes", e);
    }
  }

  /** Copies device bytes in the stream's order. */
  void copy(long source, long target, long bytes) {
    if (bytes == 0) {
      return;
    }
    try {
      JCudaDriver.cuMemcpyDtoDAsync(
          new Addresses.Device(target), new Addresses.Device(source), bytes, stream().handle());
    } catch (CudaException e) {
      throw device.failure("copy " + bytes + " bytes", e);
    }
  }

  /** Copies from pageable host memory; complete on return. */
  void toDevice(long host, long target, long bytes) {
    if (bytes > 0) {
      staging.toDevice(host, target, bytes);
    }
  }

  /** Copies to pageable host memory what the stream's work so far left; complete on return. */
  void toHost(long source, long host, long bytes) {
    if (bytes > 0) {
      staging.toHost(source, host, bytes);
    }
  }

  /**
   * Brings a few results to the host and waits for all the stream's work: the only wait of an
   * operation.
   *
   * @param bytes at most 64 KiB
   * @return their address in host memory, until the next fetch
   */
  long fetch(long source, long bytes) {
    if (bytes > FETCH_BYTES) {
      throw new IllegalArgumentException(bytes + " bytes to fetch; up to " + FETCH_BYTES);
    }
    try {
      JCudaDriver.cuMemcpyDtoHAsync(
          fetched.pointer(), new Addresses.Device(source), bytes, stream().handle());
    } catch (CudaException e) {
      throw device.failure("fetch " + bytes + " bytes", e);
    }
    synchronize();
    return fetched.address();
  }

  /** Returns when all work of this lane is done. */
  void synchronize() {
    stream.synchronize();
    busy = false;
  }

  /** Returns the lane to its device; work that an error left behind is waited for. */
  @Override
  public void close() {
    try {
      if (busy && !device.isLost()) {
        synchronize();
      }
      scratch.reset();
    } finally {
      device.giveBack(this);
    }
  }

  /** Of an idle lane; true where there was something to free. */
  boolean freeCaches() {
    boolean hadBlas = blas.isPresent();
    blas.ifPresent(Blas::close);
    blas = Optional.empty();
    return scratch.freeAll() || hadBlas;
  }

  /** Of an idle lane, at the end. */
  void free() {
    block.close();
    freeCaches();
    staging.free();
    fetched.free();
    stream.free();
  }
}
