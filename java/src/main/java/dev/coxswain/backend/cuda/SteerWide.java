package dev.coxswain.backend.cuda;

import dev.coxswain.backend.SteerRule;

/**
 * The launches of a wide plan (kernels/steer_wide.cu): open; read, weigh and update for the
 * condition and each rule; close. For one thread at a time; the device's context must be current.
 */
final class SteerWide {
  private static final int SLOTS = 24;

  /** As in kernels/steer_wide.cu. */
  private static final long NOTES_BYTES = 136;

  private static final long CONDITION = -1;
  private static final int WARPS = SteerLaunch.THREADS / 32;

  /** SteerWideArgs, behind SteerArgs. */
  private static final int RULE = 17;

  /** Features that a warp reads one after the other. */
  private static final long FEATURES_PER_WARP = 4;

  private final LaunchBlock block = new LaunchBlock(SLOTS);
  private final CudaDevice device;
  private final CudaFunction open;
  private final CudaFunction read;
  private final CudaFunction weigh;
  private final CudaFunction update;
  private final CudaFunction rescale;
  private final CudaFunction close;
  private SteerRun.Memory memory;

  SteerWide(CudaDevice device) {
    this.device = device;
    this.open = function("open");
    this.read = function("read");
    this.weigh = function("weigh");
    this.update = function("update");
    this.rescale = function("rescale");
    this.close = function("close");
  }

  private CudaFunction function(String phase) {
    return device.function("steer_wide", "cox_steer_wide_" + phase);
  }

  void use(SteerRun.Memory newMemory) {
    memory = newMemory;
  }

  /** Scratch memory for the largest of a table's wide parts. */
  static long bytes(SteerTable table) {
    long bytes = 0;
    for (SteerTable.Wide part : table.wide()) {
      bytes = Math.max(bytes, activeAt(part) + 4 * part.groups() * part.plan().reads());
    }
    return bytes;
  }

  private static long coefficientsAt(SteerTable.Wide part) {
    long pitch = SteerLaunch.pitch(part.plan().width());
    return 4 * SteerTable.WIDE_ROWS * pitch * part.groups();
  }

  private static long notesAt(SteerTable.Wide part) {
    return coefficientsAt(part) + 4 * SteerTable.WIDE_ROWS * part.plan().reads() * part.groups();
  }

  private static long activeAt(SteerTable.Wide part) {
    return notesAt(part) + NOTES_BYTES * part.groups();
  }

  void launch(
      SteerTable.Wide part,
      CudaStream stream,
      long x,
      long xStride,
      long y,
      long yStride,
      int dtype,
      long number) {
    CudaSteer plan = part.plan();
    SteerRun.write(block, plan.launch(), memory, part.firstGroup());
    block
        .add(memory.scratch())
        .add(memory.scratch() + coefficientsAt(part))
        .add(memory.scratch() + activeAt(part))
        .add(memory.scratch() + notesAt(part))
        .add(CONDITION);
    SteerRun.setRows(block, x, xStride, y, yStride, dtype, number);
    LaunchShape groups = LaunchShape.of(part.groups(), SteerLaunch.THREADS, 0);
    block.launch(open, groups, stream);
    if (plan.conditionReads() > 0) {
      block.launch(read, readShape(part, plan.conditionReads()), stream);
      block.launch(weigh, groups, stream);
    }
    for (int r = 0; r < plan.rules().size(); r++) {
      block.set(RULE, r);
      launch(plan.rules().get(r), part, groups, stream);
    }
    block.launch(close, groups, stream);
  }

  private void launch(
      CudaSteer.Rule rule, SteerTable.Wide part, LaunchShape groups, CudaStream stream) {
    boolean enforces = rule.kind() == SteerRule.Kind.ENFORCE;
    if (enforces && rule.reads() == 0) {
      return;
    }
    if (rule.reads() > 0) {
      block.launch(read, readShape(part, rule.reads()), stream);
      block.launch(weigh, groups, stream);
    }
    block.launch(update, updateShape(part), stream);
    if (enforces) {
      block.launch(rescale, groups, stream);
    }
  }

  private static LaunchShape readShape(SteerTable.Wide part, long reads) {
    long each = WARPS * FEATURES_PER_WARP;
    return LaunchShape.of((reads + each - 1) / each, part.groups(), SteerLaunch.THREADS, 0);
  }

  private static LaunchShape updateShape(SteerTable.Wide part) {
    long each = 4L * SteerLaunch.THREADS;
    long pitch = SteerLaunch.pitch(part.plan().width());
    return LaunchShape.of((pitch + each - 1) / each, part.groups(), SteerLaunch.THREADS, 0);
  }

  void free() {
    block.close();
  }
}
