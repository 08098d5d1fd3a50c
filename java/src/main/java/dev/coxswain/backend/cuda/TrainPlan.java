package dev.coxswain.backend.cuda;

/**
 * How a training step is launched: a pure function of its shape and the device.
 *
 * @param rows n
 * @param width d
 * @param features F
 * @param rowsPerChunk rows that one block of the counting sort goes through
 * @param aligned whether every row of the state and of x begins at a multiple of 16 bytes
 * @param wide whether a row of the state exceeds a block's shared memory
 * @param hotPlaces hot features whose gradients there is room for
 */
record TrainPlan(
    long rows,
    long width,
    long features,
    long rowsPerChunk,
    boolean aligned,
    boolean wide,
    long hotPlaces) {
  /** As in kernels/train.cuh. */
  private static final int FEATURES_PER_BLOCK = 32;

  /** A feature with more pairs is hot: cox_train_hot sums its gradients. */
  static final long HOT_ABOVE = 256;

  /** Memory that hot features' gradients may take; further ones are summed in cox_train_update. */
  private static final long HOT_BYTES = 256 << 20;

  /** As in kernels/train_hot.cu. */
  private static final int HOT_TILE = 32;

  private static final int HOT_COLUMNS = 128;

  private static final long MOST_BLOCKS_ALONG_Y = 65_535;

  /** Memory that the counts of all chunks may take. */
  private static final long CHUNK_BYTES = 64 << 20;

  /** Chunks of the counting sort that keep a multiprocessor busy. */
  private static final int CHUNKS_PER_MULTIPROCESSOR = 2;

  /** Static shared memory of cox_train_update. */
  private static final int UPDATE_STATIC_BYTES = 512;

  /** Floats an element of a row in cox_train_update's shared memory. */
  private static final int UPDATE_ROWS = 3;

  /**
   * @param placesPerRow pairs a row can have, AuxK's included
   * @param alignedTensors whether every tensor of the step begins at a multiple of 16 bytes
   */
  static TrainPlan of(
      long rows,
      long width,
      long features,
      long placesPerRow,
      boolean alignedTensors,
      DeviceTraits traits) {
    long chunks =
        Math.min(
            (long) CHUNKS_PER_MULTIPROCESSOR * traits.multiprocessors(),
            Math.max(1, CHUNK_BYTES / (4 * features)));
    long updateBytes = 4L * UPDATE_ROWS * width + UPDATE_STATIC_BYTES;
    long hot = Math.min(features, rows * placesPerRow / (HOT_ABOVE + 1));
    long fitting = Math.min(HOT_BYTES / (8 * width), MOST_BLOCKS_ALONG_Y * HOT_TILE);
    return new TrainPlan(
        rows,
        width,
        features,
        divideUp(rows, Math.min(chunks, rows)),
        // W_dec's moments lie behind those of W_enc and b_enc.
        alignedTensors && width % 4 == 0 && features % 4 == 0,
        updateBytes > traits.sharedBytes(),
        Math.min(hot, fitting));
  }

  private static long divideUp(long a, long b) {
    return (a + b - 1) / b;
  }

  long chunks() {
    return divideUp(rows, rowsPerChunk);
  }

  /** Blocks of features whose part of b_dec's gradient is summed as one. */
  long blocks() {
    return divideUp(features, FEATURES_PER_BLOCK);
  }

  static LaunchShape dead() {
    return LaunchShape.of(1, 512, 0);
  }

  /** 32 columns a block: cox_train_mean and cox_train_bias. */
  LaunchShape columns() {
    return LaunchShape.of(divideUp(width, 32), 256, 0);
  }

  LaunchShape squares() {
    return LaunchShape.of(divideUp(rows, 8), 256, 0);
  }

  static LaunchShape sum() {
    return LaunchShape.of(1, 32, 0);
  }

  LaunchShape order() {
    return LaunchShape.of(rows, 128, 0);
  }

  LaunchShape error() {
    return LaunchShape.of(rows, divideUp(width, 512), 128, 0);
  }

  LaunchShape count() {
    return LaunchShape.of(chunks(), 256, 0);
  }

  LaunchShape sumChunks() {
    return LaunchShape.of(divideUp(features, 256), 256, 0);
  }

  static LaunchShape begin() {
    return LaunchShape.of(3, 512, 0);
  }

  LaunchShape scatter() {
    return LaunchShape.of(rows, 128, 0);
  }

  /** Four pairs a warp; beyond 2^20 blocks each goes on to further ones. */
  LaunchShape slope(long pairs) {
    return LaunchShape.of(Math.min(divideUp(pairs, 32), 1 << 20), 256, 0);
  }

  LaunchShape hot() {
    return new LaunchShape(
        Math.toIntExact(divideUp(width, HOT_COLUMNS)),
        Math.toIntExact(divideUp(hotPlaces, HOT_TILE)),
        2,
        256,
        1,
        1,
        0);
  }

  String updateKernel() {
    if (wide) {
      return "cox_train_update_wide";
    }
    return aligned ? "cox_train_update" : "cox_train_update_any";
  }

  LaunchShape update() {
    return LaunchShape.of(blocks(), 64, wide ? 0 : Math.toIntExact(4 * UPDATE_ROWS * width));
  }
}
