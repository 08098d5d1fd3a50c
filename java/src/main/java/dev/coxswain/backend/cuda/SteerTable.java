package dev.coxswain.backend.cuda;

import dev.coxswain.tensor.HostMemory;

/**
 * Which block steers which rows, written as {@code cox_steer} reads it: the rows' numbers (int32),
 * those of one plan beside each other, then the groups ({@code SteerGroup}: plan, first, count). It
 * depends on nothing but its arguments.
 *
 * @param rows listed
 * @param groups of them
 * @param largest group's rows
 */
record SteerTable(int rows, int groups, int largest) {
  private static final int GROUP_BYTES = 24;

  /** Bytes of a table of so many rows, whatever their plans. */
  static long bytes(long rows) {
    return groupsAt(rows) + GROUP_BYTES * rows;
  }

  /** Where the groups begin in a table of so many rows. */
  static long groupsAt(long rows) {
    return (4 * rows + 7) / 8 * 8;
  }

  /**
   * Writes a table.
   *
   * @param rowKernels address of an int32 for each of n rows: which of the plans, or −1 for none
   * @param plans their addresses on the device; the first {@code count} are meant
   * @param firstPlan 0, or −1 where rows without a plan are listed too: to be copied
   * @param groupRows most rows of a group
   * @param target of {@link #bytes} bytes
   */
  static SteerTable write(
      long rowKernels, long n, long[] plans, int count, int firstPlan, int groupRows, long target) {
    int rows = 0;
    int groups = 0;
    int largest = 0;
    for (int plan = firstPlan; plan < count; plan++) {
      int first = rows;
      for (long i = 0; i < n; i++) {
        if (HostMemory.getInt(rowKernels + 4 * i) == plan) {
          HostMemory.putInt(target + 4L * rows, (int) i);
          rows++;
        }
      }
      for (int from = first; from < rows; from += groupRows) {
        int size = Math.min(groupRows, rows - from);
        long group = target + groupsAt(n) + (long) GROUP_BYTES * groups;
        HostMemory.putLong(group, plan < 0 ? 0 : plans[plan]);
        HostMemory.putLong(group + 8, from);
        HostMemory.putLong(group + 16, size);
        groups++;
        largest = Math.max(largest, size);
      }
    }
    return new SteerTable(rows, groups, largest);
  }
}
