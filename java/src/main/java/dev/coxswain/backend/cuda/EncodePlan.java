package dev.coxswain.backend.cuda;

import java.util.function.BooleanSupplier;

/**
 * How an encode is launched: a pure function of the shape and the device, printable. Whatever it
 * says, the bits are the same.
 *
 * @param path how active features are found
 * @param blockRows rows at work at a time; memory beside the caller's grows with it, not with n
 * @param capacity candidates of a row that a screen has room for; 0 without a screen
 * @param lists lists of candidates of a row, each for a share of the features
 * @param panel features screened at a time
 * @param scanRows rows of one block of the exact scan: 1, 2, 4 or 8
 * @param scanBlocks blocks along the features of the exact scan
 * @param scanRun consecutive features of one of its warps
 */
record EncodePlan(
    EncodeShape shape,
    DeviceTraits device,
    EncodePath path,
    long blockRows,
    long capacity,
    int lists,
    long panel,
    int scanRows,
    long scanBlocks,
    long scanRun) {
  static final int THREADS = 256;
  private static final int WARPS = THREADS / 32;

  /** Keys that a block sorts in shared memory; kSortedKeys of common/encode.cuh. */
  private static final long SORTED_KEYS = 2048;

  /** Side of a block of cox_screen_fused, and its shared memory. */
  static final int TILE = 128;

  private static final int FUSED_SHARED = 3 * 2 * TILE * 32 * 2;
  private static final int FUSED_THREADS = 128;

  /** The norms' rounding up covers this many terms, and 32 bits the int8 sums. */
  private static final long WIDEST_SCREEN = 1 << 17;

  private static final long FEWEST_SCREENED_FEATURES = 256;

  /** Below, a call is bound by its launches, of which the exact scan has the fewest. */
  private static final long SMALLEST_INT8_BYTES = 32 << 20;

  private static final int MOST_INT8_ROWS = 16;
  private static final int MOST_SCANNED_ROWS = 8;
  private static final long MOST_BLOCK_ROWS = 4096;
  private static final long MOST_CANDIDATES = 16384;

  /**
   * @param blas whether cuBLAS can be used; asked where it matters
   * @throws IllegalArgumentException where a row is wider than a block's shared memory
   */
  static EncodePlan of(
      EncodeShape shape, DeviceTraits device, BooleanSupplier blas, EncodeTuning tuning) {
    if (rowBytes(shape.width()) > device.sharedBytes()) {
      throw new IllegalArgumentException(
          "d = "
              + shape.width()
              + " is beyond the "
              + device.sharedBytes() / 4
              + " that fit the shared memory of "
              + device.name());
    }
    EncodePath path =
        tuning
            .path()
            .filter(forced -> fits(forced, shape, device, blas))
            .orElseGet(() -> choose(shape, device, blas));
    long capacity = path.isScreen() ? capacity(shape, tuning) : 0;
    int lists =
        path == EncodePath.INT8
            ? (int) Math.min(64, divideUp(shape.features(), tuning.featuresPerList()))
            : 1;
    long blockRows = blockRows(shape, device, path, capacity, lists, tuning);
    int scanRows = scanRows(shape, device, path);
    int resident = residentScans(shape.width(), scanRows, device);
    long warps = (long) device.multiprocessors() * resident * WARPS;
    long run = Long.highestOneBit(Math.max(1, Math.min(8, shape.features() / warps)));
    return new EncodePlan(
        shape,
        device,
        path,
        blockRows,
        capacity,
        lists,
        panel(shape, device, path, capacity, blockRows, tuning),
        scanRows,
        Math.min(
            divideUp(shape.features(), WARPS * run), (long) device.multiprocessors() * resident),
        run);
  }

  private static EncodePath choose(EncodeShape shape, DeviceTraits device, BooleanSupplier blas) {
    boolean selective = shape.limit() == shape.features() || 8 * shape.limit() <= shape.features();
    boolean screens =
        selective && shape.features() >= FEWEST_SCREENED_FEATURES && shape.width() <= WIDEST_SCREEN;
    EncodePath unscreened = shape.rows() <= MOST_SCANNED_ROWS ? EncodePath.SCAN : EncodePath.FULL;
    if (!screens) {
      return unscreened;
    }
    boolean heavy = 4 * shape.features() * shape.width() >= SMALLEST_INT8_BYTES;
    if (shape.rows() <= MOST_INT8_ROWS && heavy && fits(EncodePath.INT8, shape, device, blas)) {
      return EncodePath.INT8;
    }
    if (unscreened == EncodePath.SCAN) {
      return unscreened;
    }
    return blas.getAsBoolean() ? EncodePath.PANELS : EncodePath.FUSED;
  }

  private static boolean fits(
      EncodePath path, EncodeShape shape, DeviceTraits device, BooleanSupplier blas) {
    boolean narrow = shape.width() <= WIDEST_SCREEN;
    return switch (path) {
      case SCAN, FULL -> true;
      case INT8 -> narrow && shape.kept() && int8Shared(1, shape.width()) <= device.sharedBytes();
      case PANELS -> narrow && blas.getAsBoolean();
      case FUSED -> narrow;
    };
  }

  /** As many as the bounds leave in doubt, and what arrives before τ has risen. */
  private static long capacity(EncodeShape shape, EncodeTuning tuning) {
    boolean all = shape.limit() == shape.features();
    long most = all ? MOST_CANDIDATES : 16 * shape.limit() + tuning.spareCandidates();
    return roundUp(Math.min(shape.features(), most), TILE);
  }

  private static long blockRows(
      EncodeShape shape,
      DeviceTraits device,
      EncodePath path,
      long capacity,
      int lists,
      EncodeTuning tuning) {
    long budget =
        tuning.scratchBytes() > 0
            ? tuning.scratchBytes()
            : Math.max(64L << 20, Math.min(512L << 20, device.memoryBytes() / 64));
    long bytes = rowBytes(shape.width()) + 16 * wideKeys(shape, path, capacity);
    long most = MOST_BLOCK_ROWS;
    int multiple = 1;
    switch (path) {
      case SCAN, FULL -> {
        bytes += 4 * shape.features();
        multiple = path == EncodePath.SCAN ? 8 : 64;
      }
      case INT8 -> {
        bytes += 4 * shape.features() + 2 * int8Width(shape.width()) + 12 * capacity * lists;
        most = 4L * int8Groups(shape.rows(), shape.width(), device);
      }
      case PANELS, FUSED -> {
        bytes += 2 * bf16Width(shape.width()) + 12 * capacity;
        multiple = TILE;
      }
    }
    long fitting = Math.max(multiple, budget / bytes / multiple * multiple);
    return Math.min(shape.rows(), Math.min(most, fitting));
  }

  /**
   * FUSED begins with as many features as there is room for candidates, so that nothing can
   * overflow before there is a threshold.
   */
  private static long panel(
      EncodeShape shape,
      DeviceTraits device,
      EncodePath path,
      long capacity,
      long blockRows,
      EncodeTuning tuning) {
    if (path == EncodePath.FUSED) {
      return Math.min(shape.features(), capacity);
    }
    if (path != EncodePath.PANELS) {
      return shape.features();
    }
    long bytes = Math.max(16L << 20, device.l2Bytes() / 2);
    long cached = Math.max(4 * TILE, bytes / (4 * Math.max(1, blockRows)) / TILE * TILE);
    return Math.min(shape.features(), tuning.panelFeatures() > 0 ? tuning.panelFeatures() : cached);
  }

  /** Features of the panel after `seen` of them: FUSED's grow as the threshold settles. */
  long nextPanel(long seen) {
    long size = path == EncodePath.FUSED && seen > 0 ? 4 * seen : panel;
    return Math.min(size, shape.features() - seen);
  }

  /** The largest panel there is. */
  long widestPanel() {
    long widest = 0;
    for (long seen = 0; seen < shape.features(); ) {
      long next = nextPanel(seen);
      widest = Math.max(widest, next);
      seen += next;
    }
    return widest;
  }

  // --- sizes

  private static long divideUp(long count, long size) {
    return (count + size - 1) / size;
  }

  private static long roundUp(long count, long multiple) {
    return divideUp(count, multiple) * multiple;
  }

  /** Whole 16 bytes. */
  private static long stride(long width) {
    return roundUp(width, 4);
  }

  private static long rowBytes(long width) {
    return 4 * stride(width);
  }

  static long bf16Width(long width) {
    return roundUp(width, 32);
  }

  static long int8Width(long width) {
    return roundUp(width, 64);
  }

  /** Features that int8 weights are padded to. */
  static long int8Features(long features) {
    return roundUp(features, 16);
  }

  /** K of the screens' bound (common/screen.cuh). */
  static double boundFactor(long width) {
    double m = divideUp(width, 256) + 8;
    double roundings = (3.0 * width + m + 32) * 0x1p-24;
    return 1.01 * roundings / (1 - roundings);
  }

  private static int int8Groups(long rows, long width, DeviceTraits device) {
    int groups = rows <= 4 ? 1 : rows <= 8 ? 2 : 4;
    while (groups > 1 && int8Shared(groups, width) > device.sharedBytes()) {
      groups /= 2;
    }
    return groups;
  }

  private static long int8Shared(int groups, long width) {
    return 8L * groups * (int8Width(width) + 64);
  }

  private static int scanRows(EncodeShape shape, DeviceTraits device, EncodePath path) {
    // A screen scans the few rows that it could not decide, however many come.
    long rows = path == EncodePath.SCAN ? shape.rows() : MOST_SCANNED_ROWS;
    int most = rows <= 1 ? 1 : rows <= 2 ? 2 : rows <= 4 ? 4 : 8;
    while (most > 1 && most * rowBytes(shape.width()) > device.sharedBytes()) {
      most /= 2;
    }
    return most;
  }

  /**
   * Blocks of the scan on one multiprocessor, by its registers and shared memory. Three keep enough
   * loads in flight; more would only read x more often.
   */
  private static int residentScans(long width, int scanRows, DeviceTraits device) {
    int byRegisters = scanRows <= 2 ? 3 : scanRows <= 4 ? 2 : 1;
    long byShared = device.sharedBytes() / (scanRows * rowBytes(width) + 1024);
    return (int) Math.max(1, Math.min(byRegisters, byShared));
  }

  /**
   * Keys of a row that cox_encode_select_wide needs room for; 0 where cox_encode_select will do.
   */
  private static long wideKeys(EncodeShape shape, EncodePath path, long capacity) {
    long wanted = path.isScreen() ? Math.min(shape.wanted(), capacity) : shape.wanted();
    return wanted > SORTED_KEYS ? wanted : 0;
  }

  /** Of rows selected from keys of candidates. */
  long candidateKeys() {
    return wideKeys(shape, path, capacity);
  }

  /** Of rows selected from all scores. */
  long scoreKeys() {
    return wideKeys(shape, EncodePath.SCAN, 0);
  }

  /** Floats from one prepared row to the next: rows of tiles are dense. */
  long preparedStride() {
    return path == EncodePath.FULL ? shape.width() : stride(shape.width());
  }

  /** Features of a subset that are brought together at a time. */
  long gatheredFeatures() {
    long fitting = Math.max(TILE, (64L << 20) / (4 * shape.width()) / TILE * TILE);
    return Math.min(shape.features(), fitting);
  }

  /** Rows that a screen left undecided and that are scanned at a time. */
  long undecidedRows(long count) {
    long bytes = 4 * shape.features() + 16 * scoreKeys();
    long fitting = Math.max(1, (64L << 20) / bytes / scanRows) * scanRows;
    return Math.min(count, fitting);
  }

  // --- launches

  LaunchShape prepare(long rows) {
    return LaunchShape.of(rows, THREADS, 0);
  }

  /** Kernels' names end in the rows of a block, and in _any where rows are not aligned. */
  String scanKernel() {
    return "cox_encode_scan_" + scanRows + (shape.aligned() ? "" : "_any");
  }

  LaunchShape scan(long rows) {
    int shared = Math.toIntExact(scanRows * rowBytes(shape.width()));
    return LaunchShape.of(scanBlocks, divideUp(rows, scanRows), THREADS, shared);
  }

  LaunchShape select(long rows, boolean dense) {
    return LaunchShape.of(rows, dense && shape.features() >= 4096 ? 512 : THREADS, 0);
  }

  static LaunchShape screenWeights(long features) {
    return LaunchShape.of(divideUp(features, WARPS), THREADS, 0);
  }

  String int8Kernel() {
    return "cox_screen_int8_" + int8Groups();
  }

  private int int8Groups() {
    return int8Groups(shape.rows(), shape.width(), device);
  }

  LaunchShape int8() {
    int groups = int8Groups();
    long shared = int8Shared(groups, shape.width());
    long resident = Math.max(1, Math.min(2, device.sharedBytes() / (shared + 1024)));
    long blocks =
        Math.min(divideUp(shape.features(), 16 * WARPS), resident * device.multiprocessors());
    return LaunchShape.of(blocks, THREADS, Math.toIntExact(shared));
  }

  LaunchShape filter(long rows) {
    return LaunchShape.of(rows, lists, THREADS, 0);
  }

  LaunchShape oneBlockEach(long rows) {
    return LaunchShape.of(rows, THREADS, 0);
  }

  LaunchShape fused(long rows, long features) {
    return LaunchShape.of(
        divideUp(rows, TILE), divideUp(features, TILE), FUSED_THREADS, FUSED_SHARED);
  }

  String rescoreKernel() {
    return "cox_encode_rescore" + (shape.aligned() ? "" : "_any");
  }

  /** With few rows a row's survivors are shared out to several blocks. */
  LaunchShape rescore(long rows) {
    long shares = divideUp(2L * device.multiprocessors(), Math.max(1, rows));
    shares = Math.min(shares, divideUp(capacity, WARPS));
    return LaunchShape.of(rows, shares, THREADS, Math.toIntExact(rowBytes(shape.width())));
  }
}
