package dev.coxswain.backend.cpu;

import dev.coxswain.backend.Codes;
import dev.coxswain.backend.NativeHandle;
import dev.coxswain.backend.Requirements;
import dev.coxswain.backend.SteerCondition;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.tensor.DType;
import java.util.List;
import java.util.Optional;

/** A plan's rules on the native side. */
final class CpuSteer implements SteerKernel {
  private final NativeHandle device;
  private final NativeHandle plan;
  private final int width;

  private CpuSteer(NativeHandle device, NativeHandle plan, int width) {
    this.device = device;
    this.plan = plan;
    this.width = width;
  }

  static CpuSteer create(
      NativeHandle device, int width, List<SteerRule> rules, Optional<SteerCondition> condition) {
    Requirements.steerWidth(width);
    device.requireOpen();
    long pointer = Native.steerPlan(width);
    NativeHandle plan = new NativeHandle("SteerKernel", pointer, Native::steerFree);
    try {
      rules.forEach(rule -> add(pointer, width, rule));
      condition.ifPresent(when -> set(pointer, width, when));
      return new CpuSteer(device, plan, width);
    } catch (RuntimeException | Error e) {
      plan.close();
      throw e;
    }
  }

  private static void add(long plan, int width, SteerRule rule) {
    Requirements.steerRule(width, rule.width());
    Native.steerAddRule(
        plan,
        Codes.of(rule.kind()),
        rule.strength(),
        rule.read().map(read -> read.rows()).orElse(0L),
        Checks.host("R", rule.read()),
        Checks.host("c", rule.readBias()),
        Checks.host("S", rule.write()),
        Checks.host("constant", rule.constant()));
  }

  private static void set(long plan, int width, SteerCondition condition) {
    Requirements.steerRule(width, condition.read().rowElements());
    Native.steerSetCondition(
        plan,
        condition.read().rows(),
        Checks.host("R", condition.read()),
        Checks.host("c", condition.readBias()),
        condition.threshold());
  }

  @Override
  public int width() {
    return width;
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
    long devicePointer = device.acquire();
    try {
      long planPointer = plan.acquire();
      try {
        Native.steerApply(
            devicePointer, planPointer, x, xStride, y, yStride, rows, code, selection, counters);
      } finally {
        plan.release();
      }
    } finally {
      device.release();
    }
  }

  @Override
  public void close() {
    plan.close();
  }
}
