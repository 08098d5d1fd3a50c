package dev.coxswain.backend.cuda;

/**
 * How a decode is launched; see kernels/decode.cu and decode_dense.cu.
 *
 * @param way of the three
 * @param threads of a block, each with four columns
 * @param slices of columns, a block each
 * @param sortedPlaces keys a row where a row's features are sorted by a launch of their own; 0
 *     where the decode does it
 * @param chunkRows rows at a time, so that their keys stay within bounds
 */
record DecodePlan(Way way, int threads, int slices, long sortedPlaces, long chunkRows) {
  /** From what rows are put together. */
  enum Way {
    /** Each row gathers its features' weights. */
    GATHER,
    /** The same after a sort in memory: a row has too many for a warp's registers. */
    SORTED_GATHER,
    /** Tiles of rows walk through all weights: most of them are wanted by several. */
    DENSE
  }

  private static final int MOST_THREADS = 128;

  /** As in kernels/decode_row.cuh. */
  private static final long WARP_SORTED = 256;

  /** As in kernels/decode_dense.cu. */
  private static final int TILE_ROWS = 16;

  /** F / K up to which a tile's rows share so many features that loading them once pays. */
  private static final long SHARED = 16;

  private static final long KEY_BYTES = 8;
  private static final long KEYS_BYTES = 64L << 20;
  private static final int SORT_THREADS = 512;

  /**
   * @param features F
   * @param places K
   */
  static DecodePlan of(long rows, long width, long features, long places) {
    long quads = (width + 3) / 4;
    int slices = Math.toIntExact((quads + MOST_THREADS - 1) / MOST_THREADS);
    boolean dense = rows >= TILE_ROWS && width % 4 == 0 && features <= SHARED * places;
    if (!dense && places <= WARP_SORTED) {
      return new DecodePlan(Way.GATHER, threads(quads, slices), slices, 0, Math.max(1, rows));
    }
    long sorted = Long.highestOneBit(2 * Math.max(1, places) - 1);
    long chunk = Math.max(TILE_ROWS, KEYS_BYTES / (KEY_BYTES * sorted));
    return dense
        ? new DecodePlan(Way.DENSE, MOST_THREADS, slices, sorted, chunk)
        : new DecodePlan(Way.SORTED_GATHER, threads(quads, slices), slices, sorted, chunk);
  }

  /** Whole warps that share a row's columns out evenly. */
  private static int threads(long quads, int slices) {
    return Math.toIntExact((quads + slices - 1) / slices + 31) / 32 * 32;
  }

  /**
   * The plan for the same rows where weights or result do not begin on 16 bytes, or a row repeats a
   * feature.
   */
  DecodePlan gathering(long width) {
    return new DecodePlan(
        Way.SORTED_GATHER, threads((width + 3) / 4, slices), slices, sortedPlaces, chunkRows);
  }

  boolean sortsBefore() {
    return way != Way.GATHER;
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
    long blocks = way == Way.DENSE ? (rows + TILE_ROWS - 1) / TILE_ROWS : rows;
    return LaunchShape.of(blocks, slices, threads, 0);
  }
}
