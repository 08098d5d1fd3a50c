package dev.coxswain.backend.cuda;

/**
 * The launches that steer a table's rows: one of {@code cox_steer}, and those of each wide plan.
 * For one thread at a time; the device's context must be current.
 */
final class SteerRun {
  /** Of the counters on the device, and of their mirror: four sums, and one of the kernel's own. */
  static final long COUNTER_BYTES = 8 * 5;

  /** In the mirror: the number of the latest run that has ended. */
  static final long NUMBER_AT = 8 * 4;

  private static final int SLOTS = 24;

  private final LaunchBlock block = new LaunchBlock(SLOTS);
  private final CudaFunction kernel;
  private SteerWide wide;
  private SteerTable table;
  private LaunchShape shape;

  SteerRun(CudaDevice device) {
    this.kernel = device.function("steer", "cox_steer");
  }

  /**
   * Where a run finds and leaves things, in device memory.
   *
   * @param table its content
   * @param tableRows rows it was made for
   * @param counters of {@link #COUNTER_BYTES}, 0 at first
   * @param mirror of the counters, where the host sees it
   * @param scratch of {@link SteerWide#bytes}
   */
  record Memory(long table, long tableRows, long counters, long mirror, long scratch) {}

  /** Sets what the following launches steer. */
  void use(SteerTable newTable, SteerLaunch launch, Memory memory) {
    table = newTable;
    if (table.groups() > 0) {
      shape = launch.shape(table.groups(), table.largest());
      write(block, launch, memory, 0);
    }
    if (!table.wide().isEmpty()) {
      if (wide == null) {
        wide = new SteerWide(kernel.device());
      }
      wide.use(memory);
    }
  }

  /** SteerArgs, field by field, from its rows on; {@link #setRows} sets those. */
  static void write(LaunchBlock block, SteerLaunch launch, Memory memory, int firstGroup) {
    block
        .begin()
        .add(0L)
        .add(0L)
        .add(0L)
        .add(0L)
        .add(0L)
        .add(launch.width())
        .add(SteerLaunch.pitch(launch.width()))
        .add(memory.table() + SteerTable.groupAt(memory.tableRows(), firstGroup))
        .add(memory.table())
        .add(launch.reads())
        .add(memory.counters())
        .add(memory.mirror())
        .add(0L);
  }

  /** The fields of SteerArgs that differ from launch to launch of one table. */
  static void setRows(
      LaunchBlock block, long x, long xStride, long y, long yStride, int dtype, long number) {
    block.set(0, x);
    block.set(1, xStride);
    block.set(2, y);
    block.set(3, yStride);
    block.set(4, dtype);
    block.set(12, number);
  }

  /**
   * Enqueues the table's rows.
   *
   * @param number that the mirror shows once all of it has ended; above the last one's
   */
  void launch(
      CudaStream stream, long x, long xStride, long y, long yStride, int dtype, long number) {
    int wideParts = table.wide().size();
    if (table.groups() > 0) {
      setRows(block, x, xStride, y, yStride, dtype, wideParts == 0 ? number : number - 1);
      block.launch(kernel, shape, stream);
    }
    for (int i = 0; i < wideParts; i++) {
      long last = i == wideParts - 1 ? number : number - 1;
      wide.launch(table.wide().get(i), stream, x, xStride, y, yStride, dtype, last);
    }
  }

  boolean isEmpty() {
    return table.groups() == 0 && table.wide().isEmpty();
  }

  void free() {
    block.close();
    if (wide != null) {
      wide.free();
    }
  }
}
