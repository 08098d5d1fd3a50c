package dev.coxswain.backend.cuda;

import dev.coxswain.backend.SteerKernel;
import dev.coxswain.tensor.HostMemory;
import jcuda.CudaException;
import jcuda.driver.JCudaDriver;

/**
 * One table of a {@link CudaSteerBatch} on the device and the launches that read it, all on one
 * stream. Its counters are its own; the kernel leaves their sums, and the number of the launch that
 * has ended, in page-locked memory, so nobody has to wait or ask the driver. A slot whose launches
 * have all ended may take another table and another stream.
 */
final class SteerSlot {
  /** Where the table begins, behind the counters. */
  private static final long TABLE_AT = 256;

  private final CudaDevice device;
  private final long rows;
  private final long memory;
  private final PinnedBuffer pinned;
  private final Addresses.Host tableOnHost;
  private final Addresses.Device tableOnDevice;
  private final SteerRun run;
  private final long[] reported = new long[SteerKernel.COUNTERS];
  private CudaStream stream;
  private long launched;

  /** Memory for wide plans; 0 until one comes. */
  private long scratch;

  private long scratchBytes;

  /**
   * The device's context must be current, as for every call.
   *
   * @param rows most rows of a table
   */
  SteerSlot(CudaDevice device, long rows) {
    this.device = device;
    this.rows = rows;
    this.run = new SteerRun(device);
    long bytes = TABLE_AT + SteerTable.bytes(rows);
    this.pinned = new PinnedBuffer(device, bytes);
    HostMemory.fill(pinned.address(), bytes, (byte) 0);
    try {
      this.memory = cleared(bytes);
    } catch (RuntimeException | Error e) {
      pinned.free();
      run.free();
      throw e;
    }
    this.tableOnHost = new Addresses.Host(pinned.address() + TABLE_AT);
    this.tableOnDevice = new Addresses.Device(memory + TABLE_AT);
  }

  /** Device memory whose counters are 0, whatever stream is used next. */
  private long cleared(long bytes) {
    long address = device.allocate(bytes);
    try (CudaLane lane = device.lane()) {
      lane.fill(address, (byte) 0, SteerRun.COUNTER_BYTES);
      lane.synchronize();
      return address;
    } catch (RuntimeException | Error e) {
      device.free(address);
      throw e;
    }
  }

  long rows() {
    return rows;
  }

  CudaStream stream() {
    return stream;
  }

  /** Whether all its launches have ended. */
  boolean isIdle() {
    return HostMemory.getLong(pinned.address() + SteerRun.NUMBER_AT) == launched;
  }

  /** Of an idle slot: the table of so many rows, to be read from now on. */
  void fill(
      CudaStream on, long rowPlans, long n, CudaSteer[] plans, int count, SteerLaunch launch) {
    stream = on;
    long host = tableOnHost.address();
    SteerTable table =
        SteerTable.write(rowPlans, n, plans, count, SteerTable.Unplanned.LEFT_ALONE, launch, host);
    requireScratch(SteerWide.bytes(table));
    long onDevice = tableOnDevice.address();
    run.use(table, launch, new SteerRun.Memory(onDevice, n, memory, pinned.address(), scratch));
    if (run.isEmpty()) {
      return;
    }
    try {
      JCudaDriver.cuMemcpyHtoDAsync(
          tableOnDevice, tableOnHost, SteerTable.bytes(n), stream.handle());
    } catch (CudaException e) {
      throw device.failure("send a table of " + n + " rows", e);
    }
  }

  private void requireScratch(long bytes) {
    if (bytes > scratchBytes) {
      long larger = device.allocate(bytes);
      if (scratchBytes > 0) {
        device.free(scratch);
      }
      scratch = larger;
      scratchBytes = bytes;
    }
  }

  /** Enqueues the steering of the table's rows, in place. */
  void launch(long data, long stride, int dtype) {
    if (run.isEmpty()) {
      return;
    }
    run.launch(stream, data, stride, data, stride, dtype, launched + 1);
    launched++;
  }

  /** Adds to {@code target} what has been counted since the last call. */
  void count(long target) {
    for (int i = 0; i < reported.length; i++) {
      long counted = HostMemory.getLong(pinned.address() + 8L * i);
      long at = target + 8L * i;
      HostMemory.putLong(at, HostMemory.getLong(at) + counted - reported[i]);
      reported[i] = counted;
    }
  }

  /** Waits for the device's work, as the driver does where memory is freed. */
  void free() {
    device.free(memory);
    if (scratchBytes > 0) {
      device.free(scratch);
    }
    pinned.free();
    run.free();
  }
}
