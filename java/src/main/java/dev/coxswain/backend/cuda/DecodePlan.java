package dev.coxswain.backend.cuda;

/**
 * How a decode is launched; see kernels/decode.cu.
 *
 * @param threads of a block, each with four columns
 * @param slices of columns, a block each
 * @param sortedPlaces keys a row where a row's features are sorted by a launch of their own; 0
 *     where the decode does it
 * @param chunkRows rows at a time, so that their keys stay within bounds
 */
record DecodePlan(int threads, int slices, long sortedPlaces, long chunkRows) {
  private static final int MOST_THREADS = 128;

  /** As in kernels/decode_row.cuh. */
  private static final long WARP_SORTED = 256;

  private static final long KEY_BYTES = 8;
  private static final long KEYS_BYTES = 64L << 20;
  private static final int SORT_THREADS = 512;

  /**
   * @param places K
   */
  static DecodePlan of(long rows, long width, long places) {
    long quads = (width + 3) / 4;
    int slices = Math.toIntExact((quads + MOST_THREADS - 1) / MOST_THREADS);
    int threads = Math.toIntExact((quads + slices - 1) / slices + 31) / 32 * 32;
    if (places <= WARP_SORTED) {
      return new DecodePlan(threads, slices, 0, Math.max(1, rows));
    }
    long sorted = Long.highestOneBit(2 * places - 1);
    return new DecodePlan(threads, slices, sorted, Math.max(1, KEYS_BYTES / (KEY_BYTES * sorted)));
  }

  boolean sortsBefore() {
    return sortedPlaces > 0;
  }

  /** Scratch memory for the keys of a chunk. */
  long keysBytes(long rows) {
    return KEY_BYTES * sortedPlaces * Math.min(rows, chunkRows);
  }

  /** Whether a row's keys are sorted in shared memory. */
  boolean sortsInShared(DeviceTraits traits) {
    return KEY_BYTES * sortedPlaces <= traits.sharedBytes();
  }

  LaunchShape sortShape(long rows, DeviceTraits traits) {
    int shared = sortsInShared(traits) ? Math.toIntExact(KEY_BYTES * sortedPlaces) : 0;
    return LaunchShape.of(rows, SORT_THREADS, shared);
  }

  LaunchShape shape(long rows) {
    return LaunchShape.of(rows, slices, threads, 0);
  }
}
