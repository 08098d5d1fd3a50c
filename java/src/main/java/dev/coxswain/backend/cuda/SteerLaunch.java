package dev.coxswain.backend.cuda;

/**
 * How {@code cox_steer} shares rows out: a block steers up to {@code groupRows} rows of one plan,
 * which stay in its shared memory as float32. Plans that are too much for one block are {@link
 * #isWide wide} and go through kernels/steer_wide.cu. A pure function of the plans and the device.
 *
 * @param groupRows most rows of a block: 8, 4 or 1; 0 where not even one fits
 * @param width d
 * @param reads most features that a rule or condition of the plans reads
 */
record SteerLaunch(int groupRows, int width, long reads) {
  /** As in kernels/steer_row.cuh. */
  static final int THREADS = 384;

  /** What a block has of shared memory beside the rows, rounded up. */
  private static final int NOTES_BYTES = 1024;

  /** Up to so many features one block is always enough: one launch. */
  private static final long FEW_READS = 64;

  /** Floats of a rule's reads that one multiprocessor gets through in some 10 µs. */
  private static final long BLOCK_FLOATS = 1 << 18;

  private static final int[] GROUPS = {8, 4, 1};

  static SteerLaunch of(int width, long reads, DeviceTraits traits) {
    for (int rows : GROUPS) {
      if (bytes(rows, width, reads) <= traits.sharedBytes() - NOTES_BYTES) {
        return new SteerLaunch(rows, width, reads);
      }
    }
    return new SteerLaunch(0, width, reads);
  }

  /** Whether a plan of this size is better shared out among all blocks. */
  boolean isWide() {
    return groupRows == 0 || (reads > FEW_READS && reads * pitch(width) > BLOCK_FLOATS);
  }

  /** Floats from one row of weights to the next: rows begin on 32 bytes, a sector. */
  static long pitch(int width) {
    return (width + 7L) / 8 * 8;
  }

  private static long bytes(int rows, int width, long reads) {
    return 4 * (rows * pitch(width) + (rows + 1) * reads);
  }

  /**
   * Of a launch whose largest group has so many rows; the kernel rounds them up in the same way.
   */
  LaunchShape shape(int groups, int largest) {
    int rows = largest == 1 ? 1 : largest <= 4 ? 4 : 8;
    return LaunchShape.of(groups, THREADS, Math.toIntExact(bytes(rows, width, reads)));
  }
}
