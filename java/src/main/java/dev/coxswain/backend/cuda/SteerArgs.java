package dev.coxswain.backend.cuda;

/** The one parameter of {@code cox_steer}, field by field. */
final class SteerArgs {
  /** Of the counters on the device, and of their mirror: four sums, and one of the kernel's own. */
  static final long COUNTER_BYTES = 8 * 5;

  /** In the mirror: the number of the latest launch that has ended. */
  static final long NUMBER_AT = 8 * 4;

  private static final int X = 0;
  private static final int X_STRIDE = 1;
  private static final int Y = 2;
  private static final int Y_STRIDE = 3;
  private static final int DTYPE = 4;
  private static final int LAUNCH_NUMBER = 12;

  private SteerArgs() {}

  /** Rows of a call, as {@link dev.coxswain.backend.SteerKernel#apply} has them. */
  record Rows(long x, long xStride, long y, long yStride, int dtype) {}

  /** Call it in a lane. */
  static CudaFunction kernel(CudaDevice device) {
    return device.function("steer", "cox_steer");
  }

  /**
   * @param table on the device, of so many rows
   * @param counters on the device
   * @param mirror of the counters, where the host sees it
   */
  static void write(
      LaunchBlock block,
      Rows rows,
      SteerLaunch launch,
      long table,
      long tableRows,
      long counters,
      long mirror) {
    block
        .begin()
        .add(rows.x())
        .add(rows.xStride())
        .add(rows.y())
        .add(rows.yStride())
        .add(rows.dtype())
        .add(launch.width())
        .add(SteerLaunch.pitch(launch.width()))
        .add(table + SteerTable.groupsAt(tableRows))
        .add(table)
        .add(launch.reads())
        .add(counters)
        .add(mirror)
        .add(0L);
  }

  /** Changes what differs from launch to launch of one table, steering in place. */
  static void setRows(LaunchBlock block, long rows, long stride, int dtype, long number) {
    block.set(X, rows);
    block.set(X_STRIDE, stride);
    block.set(Y, rows);
    block.set(Y_STRIDE, stride);
    block.set(DTYPE, dtype);
    block.set(LAUNCH_NUMBER, number);
  }
}
