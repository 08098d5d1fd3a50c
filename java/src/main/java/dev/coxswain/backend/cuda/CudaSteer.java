package dev.coxswain.backend.cuda;

import dev.coxswain.backend.Codes;
import dev.coxswain.backend.NativeHandle;
import dev.coxswain.backend.Requirements;
import dev.coxswain.backend.SteerBatch;
import dev.coxswain.backend.SteerCondition;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.backend.cuda.SteerTable.Unplanned;
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
  /** What a launch of a rule depends on. */
  record Rule(SteerRule.Kind kind, long reads) {}

  private final CudaDevice device;
  private final SteerLaunch launch;
  private final long conditionReads;
  private final List<Rule> rules;
  private final NativeHandle plan;
  private final long address;

  private CudaSteer(
      CudaDevice device,
      SteerLaunch launch,
      long conditionReads,
      List<Rule> rules,
      DeviceBuffer memory) {
    this.device = device;
    this.launch = launch;
    this.conditionReads = conditionReads;
    this.rules = rules;
    this.address = memory.address();
    this.plan = new NativeHandle("SteerKernel", address, unused -> memory.close());
  }

  static CudaSteer create(
      CudaDevice device, int width, List<SteerRule> rules, Optional<SteerCondition> condition) {
    Requirements.steerWidth(width);
    rules.forEach(rule -> Requirements.steerRule(width, rule.width()));
    condition.ifPresent(when -> Requirements.steerRule(width, when.read().rowElements()));
    long conditionReads = condition.map(when -> when.read().rows()).orElse(0L);
    List<Rule> shapes = rules.stream().map(CudaSteer::shape).toList();
    long reads = Math.max(conditionReads, shapes.stream().mapToLong(Rule::reads).max().orElse(0));
    SteerLaunch launch = SteerLaunch.of(width, reads, device.traits());
    try (CudaLane lane = device.lane()) {
      DeviceBuffer memory = SteerWeights.place(lane, width, rules, condition);
      return new CudaSteer(device, launch, conditionReads, shapes, memory);
    }
  }

  private static Rule shape(SteerRule rule) {
    return new Rule(rule.kind(), rule.read().map(read -> read.rows()).orElse(0L));
  }

  @Override
  public int width() {
    return launch.width();
  }

  /** Most features that a rule or the condition reads. */
  long reads() {
    return launch.reads();
  }

  long conditionReads() {
    return conditionReads;
  }

  List<Rule> rules() {
    return rules;
  }

  /** As if it were steered with no other plan. */
  SteerLaunch launch() {
    return launch;
  }

  boolean isWide() {
    return launch.isWide();
  }

  /** On the device; valid between {@link #acquire} and {@link #release}. */
  long address() {
    return address;
  }

  CudaDevice device() {
    return device;
  }

  /**
   * Keeps the plan in memory until {@link #release}.
   *
   * @throws IllegalStateException once closed
   */
  void acquire() {
    plan.acquire();
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
    Requirements.steerRows(x, xStride, y, yStride, rows, (long) width() * dtype.bytes());
    acquire();
    try (CudaLane lane = device.lane()) {
      if (rows > 0) {
        long counted = lane.scratch(2 * SteerRun.COUNTER_BYTES);
        lane.fill(counted, (byte) 0, 2 * SteerRun.COUNTER_BYTES);
        SteerRun run = new SteerRun(device);
        try {
          makeTable(lane, run, rows, selection, counted);
          run.launch(lane.stream(), x, xStride, y, yStride, code, 1);
        } finally {
          run.free();
        }
        addCounts(lane.fetch(counted, 8L * SteerKernel.COUNTERS), counters);
      }
    } finally {
      release();
    }
  }

  private void makeTable(CudaLane lane, SteerRun run, long rows, long selection, long counted) {
    long bytes = SteerTable.bytes(rows);
    long onDevice = lane.scratch(bytes);
    try (HostTensor rowPlans = HostTensor.allocate(DType.I32, rows);
        HostTensor content = HostTensor.allocate(DType.U8, bytes)) {
      markSelected(selection, rows, rowPlans);
      long from = rowPlans.view().address();
      long to = content.view().address();
      CudaSteer[] plans = {this};
      SteerTable table = SteerTable.write(from, rows, plans, 1, Unplanned.COPIED, launch, to);
      lane.toDevice(to, onDevice, bytes);
      long scratch = lane.scratch(SteerWide.bytes(table));
      long mirror = counted + SteerRun.COUNTER_BYTES;
      run.use(table, launch, new SteerRun.Memory(onDevice, rows, counted, mirror, scratch));
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
