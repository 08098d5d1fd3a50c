package dev.coxswain.host;

import com.sun.management.ThreadMXBean;
import dev.coxswain.backend.SteerBatch;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.MemorySpace;
import java.lang.management.ManagementFactory;
import org.HdrHistogram.Histogram;

/**
 * The Java side of a lane: steers the blocks that native code describes in shared memory. Used by
 * the lane's own thread alone; {@link #steerBlock()} allocates nothing once its arrays have grown
 * to the number of plans in a pass.
 */
final class HostLane implements AutoCloseable {
  // The words of the shared memory, as native/host/lane.h orders them.
  private static final int ERROR = 0;
  private static final int PASS_ROWS = 1;
  private static final int PASS_COUNT = 2;
  private static final int PART_SLOTS = 3;
  private static final int PART_PLANS = 4;
  private static final int PART_COUNT = 5;
  private static final int ROW_PLANS = 6;
  private static final int MASKS = 7;
  private static final int MASKS_READY = 8;
  private static final int SPACE = 9;
  private static final int COUNTERS = 10;
  private static final int LAST_NS = 14;
  private static final int LAYER = 15;
  private static final int DTYPE = 16;
  private static final int DATA = 17;
  private static final int STRIDE = 18;
  private static final int ROWS = 19;
  private static final int WIDTH = 20;
  private static final int ROW_INDEX = 21;
  private static final int STREAM = 22;
  private static final int P50 = 23;
  private static final int P99 = 24;
  private static final int P999 = 25;
  private static final int JAVA_BYTES = 26;

  /** In SPACE, by coxswain.h's cox_space: COX_HOST. */
  private static final int HOST_SPACE = 0;

  /** cox_row: its size, and where position and flags stand. */
  private static final int ROW_BYTES = 32;

  private static final int ROW_POSITION = 16;
  private static final int ROW_FLAGS = 24;

  /** Longer calls count as this long. */
  private static final long LONGEST_NS = 10_000_000_000L;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final HostEngine engine;
  private final LaneBatches batches;
  private final long words;
  private final Histogram nanoseconds = new Histogram(LONGEST_NS, 3);
  private final long bytesAtOpening;

  /** Rows of the pass that each part of its plans steers. */
  private int[] selected = new int[8];

  private HostLane(HostEngine engine, long words) {
    this.engine = engine;
    this.batches = new LaneBatches(engine.backend());
    this.words = words;
    this.bytesAtOpening = allocatedBytes();
  }

  static HostLane open(HostEngine engine, NativeWords call) {
    return new HostLane(engine, call.get(1));
  }

  private static long allocatedBytes() {
    return THREADS.getCurrentThreadAllocatedBytes();
  }

  private long word(int index) {
    return HostMemory.getLong(words + 8L * index);
  }

  private void setWord(int index, long value) {
    HostMemory.putLong(words + 8L * index, value);
  }

  long errorBuffer() {
    return word(ERROR);
  }

  /** Runs each row's plan for this layer over the block, in place. */
  void steerBlock() {
    recordLastCall();
    if (word(MASKS_READY) == 0) {
      fillMasks();
      setWord(MASKS_READY, 1);
    }
    int round = 0;
    while (steer(round)) {
      round++;
    }
  }

  /**
   * Steers each row by the part number {@code round} of those that its plan has for it at this
   * layer; false where no row has so many.
   */
  private boolean steer(int round) {
    int parts = (int) word(PART_COUNT);
    SteerKernel[] kernels = batches.kernels(parts);
    long rows = word(ROWS);
    long rowKernels = batches.rowKernels(rows);
    int count = 0;
    for (int part = 0; part < parts; part++) {
      if (isWanted(part) && roundOf(part) == round) {
        if (count == 0) {
          HostMemory.fill(rowKernels, 4 * rows, (byte) SteerBatch.NO_KERNEL);
        }
        kernels[count] = kernelOf(part);
        assign(part, count, rowKernels);
        count++;
      }
    }
    if (count == 0) {
      return false;
    }
    batches
        .at((int) word(LAYER), round)
        .apply(
            kernels,
            count,
            rowKernels,
            word(DATA),
            word(STRIDE),
            rows,
            NativeWords.dtype(word(DTYPE)),
            word(SPACE) == HOST_SPACE ? MemorySpace.HOST : engine.backend().space(),
            word(STREAM));
    return true;
  }

  private HostPlan planOf(int part) {
    return engine.plan(HostMemory.getInt(word(PART_SLOTS) + 4L * part));
  }

  private int placeOf(int part) {
    return HostMemory.getInt(word(PART_PLANS) + 4L * part);
  }

  private boolean isWanted(int part) {
    return selected[part] > 0 && planOf(part).layer() == word(LAYER);
  }

  /** How many parts of the same plan come before this one at this layer; they stand together. */
  private int roundOf(int part) {
    int round = 0;
    for (int before = part - 1; before >= 0 && placeOf(before) == placeOf(part); before--) {
      round += isWanted(before) ? 1 : 0;
    }
    return round;
  }

  private SteerKernel kernelOf(int part) {
    SteerKernel kernel = planOf(part).plan().kernel();
    if (kernel.width() != word(WIDTH)) {
      throw new InvalidDataException(
          "the block's rows have "
              + word(WIDTH)
              + " elements, the plan at layer "
              + word(LAYER)
              + " steers rows of "
              + kernel.width());
    }
    return kernel;
  }

  /** Gives the kernel to the block's rows that the part steers. */
  private void assign(int part, int kernel, long rowKernels) {
    long mask = word(MASKS) + part * word(PASS_COUNT);
    long index = word(ROW_INDEX);
    long rows = word(ROWS);
    for (long i = 0; i < rows; i++) {
      long row = index == 0 ? i : HostMemory.getInt(index + 4 * i);
      if (HostMemory.getByte(mask + row) != 0) {
        HostMemory.putInt(rowKernels + 4 * i, kernel);
      }
    }
  }

  /** For each part of the pass's plans: which of the pass's rows it steers. */
  private void fillMasks() {
    int count = (int) word(PART_COUNT);
    if (selected.length < count) {
      selected = new int[Math.max(count, 2 * selected.length)];
    }
    for (int part = 0; part < count; part++) {
      selected[part] = fillMask(part, planOf(part));
    }
  }

  private int fillMask(int part, HostPlan plan) {
    int place = placeOf(part);
    long rows = word(PASS_COUNT);
    long row = word(PASS_ROWS);
    long rowPlan = word(ROW_PLANS);
    long mask = word(MASKS) + part * rows;
    int steered = 0;
    for (long i = 0; i < rows; i++) {
      boolean own =
          HostMemory.getInt(rowPlan + 4 * i) == place && selects(plan, row + i * ROW_BYTES);
      HostMemory.putByte(mask + i, (byte) (own ? 1 : 0));
      steered += own ? 1 : 0;
    }
    return steered;
  }

  private static boolean selects(HostPlan plan, long row) {
    int flags = HostMemory.getInt(row + ROW_FLAGS);
    return plan.plan().selects(flags, HostMemory.getInt(row + ROW_POSITION));
  }

  private void recordLastCall() {
    long last = word(LAST_NS);
    if (last >= 0) {
      nanoseconds.recordValue(Math.min(last, LONGEST_NS));
      setWord(LAST_NS, -1);
    }
  }

  void writeStatistics() {
    setWord(JAVA_BYTES, allocatedBytes() - bytesAtOpening);
    batches.count(words + 8L * COUNTERS);
    recordLastCall();
    setWord(P50, nanoseconds.getValueAtPercentile(50));
    setWord(P99, nanoseconds.getValueAtPercentile(99));
    setWord(P999, nanoseconds.getValueAtPercentile(99.9));
  }

  /** The shared memory is native code's and stays. */
  @Override
  public void close() {
    batches.close();
  }
}
