package dev.coxswain.backend.cuda;

import dev.coxswain.backend.SteerBatch;
import dev.coxswain.tensor.HostMemory;
import java.util.ArrayList;
import java.util.List;

/**
 * Which block steers which rows, written as the kernels read it: the rows' numbers (int32), those
 * of one plan beside each other, then the groups ({@code SteerGroup}: plan, first, count), wide
 * plans last.
 *
 * @param groups of one launch of {@code cox_steer}: all but those of wide plans
 * @param largest of those groups: its rows
 * @param wide a part for each wide plan that has rows
 */
record SteerTable(int groups, int largest, List<Wide> wide) {
  /** Rows of a wide plan's groups. */
  static final int WIDE_ROWS = 8;

  private static final int GROUP_BYTES = 24;

  /** Groups of a plan that is launched by itself. */
  record Wide(CudaSteer plan, int firstGroup, int groups) {}

  SteerTable {
    wide = List.copyOf(wide);
  }

  /** Bytes of a table of so many rows, whatever their plans. */
  static long bytes(long rows) {
    return groupAt(rows, (int) rows);
  }

  /** Where a group stands in a table of so many rows. */
  static long groupAt(long rows, int group) {
    return (4 * rows + 7) / 8 * 8 + (long) GROUP_BYTES * group;
  }

  /**
   * Writes a table.
   *
   * @param rowPlans address of an int32 for each of n rows: which of the plans, or −1 for none
   * @param plans the first {@code count} are meant
   * @param copying whether rows without a plan are listed too: to be copied
   * @param launch of the plans that are not wide
   * @param target of {@link #bytes} bytes
   */
  static SteerTable write(
      long rowPlans,
      long n,
      CudaSteer[] plans,
      int count,
      Unplanned copying,
      SteerLaunch launch,
      long target) {
    Writer writer = new Writer(rowPlans, n, target);
    int largest = 0;
    if (copying == Unplanned.COPIED) {
      largest = writer.add(SteerBatch.NO_KERNEL, 0, WIDE_ROWS);
    }
    for (int k = 0; k < count; k++) {
      if (!plans[k].isWide()) {
        largest = Math.max(largest, writer.add(k, plans[k].address(), launch.groupRows()));
      }
    }
    int groups = writer.groups;
    List<Wide> wide = new ArrayList<>();
    for (int k = 0; k < count; k++) {
      int first = writer.groups;
      if (plans[k].isWide() && writer.add(k, plans[k].address(), WIDE_ROWS) > 0) {
        wide.add(new Wide(plans[k], first, writer.groups - first));
      }
    }
    return new SteerTable(groups, largest, wide);
  }

  /** What becomes of rows without a plan. */
  enum Unplanned {
    LEFT_ALONE,
    COPIED
  }

  private static final class Writer {
    private final long rowPlans;
    private final long n;
    private final long target;
    private int rows;
    private int groups;

    Writer(long rowPlans, long n, long target) {
      this.rowPlans = rowPlans;
      this.n = n;
      this.target = target;
    }

    /** Lists a plan's rows and groups; returns the rows of its largest group. */
    int add(int plan, long address, int groupRows) {
      int first = rows;
      for (long i = 0; i < n; i++) {
        if (HostMemory.getInt(rowPlans + 4 * i) == plan) {
          HostMemory.putInt(target + 4L * rows, (int) i);
          rows++;
        }
      }
      for (int from = first; from < rows; from += groupRows) {
        long group = target + groupAt(n, groups);
        HostMemory.putLong(group, address);
        HostMemory.putLong(group + 8, from);
        HostMemory.putLong(group + 16, Math.min(groupRows, rows - from));
        groups++;
      }
      return Math.min(groupRows, rows - first);
    }
  }
}
