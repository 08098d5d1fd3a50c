package dev.coxswain.backend.cuda;

import dev.coxswain.backend.Codes;
import dev.coxswain.backend.NativeHandle;
import dev.coxswain.backend.Requirements;
import dev.coxswain.backend.SteerBatch;
import dev.coxswain.backend.SteerCondition;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import java.util.List;
import java.util.Optional;

/**
 * A plan in device memory. Its rows are addresses on the device; {@link #apply} waits for its
 * result, {@link CudaSteerBatch} is the path that does not.
 */
final class CudaSteer implements SteerKernel {
  private final CudaDevice device;
  private final int width;
  private final long reads;
  private final NativeHandle plan;

  private CudaSteer(CudaDevice device, int width, long reads, DeviceBuffer memory) {
    this.device = device;
    this.width = width;
    this.reads = reads;
    this.plan = new NativeHandle("SteerKernel", memory.address(), unused -> memory.close());
  }

  static CudaSteer create(
      CudaDevice device, int width, List<SteerRule> rules, Optional<SteerCondition> condition) {
    Requirements.steerWidth(width);
    rules.forEach(rule -> Requirements.steerRule(width, rule.width()));
    condition.ifPresent(when -> Requirements.steerRule(width, when.read().rowElements()));
    long reads = condition.map(when -> when.read().rows()).orElse(0L);
    for (SteerRule rule : rules) {
      reads = Math.max(reads, rule.read().map(read -> read.rows()).orElse(0L));
    }
    try (CudaLane lane = device.lane()) {
      DeviceBuffer memory = SteerWeights.place(lane, width, rules, condition);
      return new CudaSteer(device, width, reads, memory);
    }
  }

  @Override
  public int width() {
    return width;
  }

  /** Most features that a rule or the condition reads. */
  long reads() {
    return reads;
  }

  CudaDevice device() {
    return device;
  }

  /**
   * Keeps the plan in memory until {@link #release}; its address on the device.
   *
   * @throws IllegalStateException once closed
   */
  long acquire() {
    return plan.acquire();
  }

  /** Work that uses the plan may still be under way: freeing waits for the device. */
  void release() {
    plan.release();
  }

  @Override
  public void apply(
      long x,
      long xStride,
      long y,
      long yStride,
      long rows,
      DType dtype,
      long selection,
      long counters) {
    int code = Codes.of(dtype);
    Requirements.steerRows(x, xStride, y, yStride, rows, (long) width * dtype.bytes());
    long address = plan.acquire();
    try (CudaLane lane = device.lane()) {
      if (rows > 0) {
        long counted = lane.scratch(2 * SteerArgs.COUNTER_BYTES);
        lane.fill(counted, (byte) 0, 2 * SteerArgs.COUNTER_BYTES);
        SteerArgs.Rows all = new SteerArgs.Rows(x, xStride, y, yStride, code);
        launch(lane, address, rows, selection, all, counted);
        addCounts(lane.fetch(counted, 8L * SteerKernel.COUNTERS), counters);
      }
    } finally {
      plan.release();
    }
  }

  private void launch(
      CudaLane lane, long address, long rows, long selection, SteerArgs.Rows all, long counted) {
    SteerLaunch launch = SteerLaunch.of(width, reads, device.traits());
    long bytes = SteerTable.bytes(rows);
    long onDevice = lane.scratch(bytes);
    try (HostTensor rowKernels = HostTensor.allocate(DType.I32, rows);
        HostTensor content = HostTensor.allocate(DType.U8, bytes)) {
      markSelected(selection, rows, rowKernels);
      SteerTable table =
          SteerTable.write(
              rowKernels.view().address(),
              rows,
              new long[] {address},
              1,
              SteerBatch.NO_KERNEL,
              launch.groupRows(),
              content.view().address());
      lane.toDevice(content.view().address(), onDevice, bytes);
      SteerArgs.write(
          lane.args(), all, launch, onDevice, rows, counted, counted + SteerArgs.COUNTER_BYTES);
      lane.launch(SteerArgs.kernel(device), launch.shape(table.groups(), table.largest()));
    }
  }

  private static void markSelected(long selection, long rows, HostTensor rowKernels) {
    for (long i = 0; i < rows; i++) {
      boolean selected = selection == 0 || HostMemory.getByte(selection + i) != 0;
      rowKernels.setInt(i, selected ? 0 : SteerBatch.NO_KERNEL);
    }
  }

  private static void addCounts(long counted, long target) {
    if (target == 0) {
      return;
    }
    for (long at = 0; at < 8L * SteerKernel.COUNTERS; at += 8) {
      HostMemory.putLong(
          target + at, HostMemory.getLong(target + at) + HostMemory.getLong(counted + at));
    }
  }

  @Override
  public void close() {
    plan.close();
  }
}
