package dev.coxswain.backend.cuda;

import dev.coxswain.backend.Backend;
import dev.coxswain.tensor.Shape;

/**
 * How the explanation of a shard is launched: features go by in chunks whose logits are in memory
 * at once. A pure function of the shapes and the device; whatever it says, the bits are the same.
 *
 * @param features f of the shard
 * @param words V
 * @param width d
 * @param top M, or 0 for the first pass
 * @param stored whether the shard's logits have room of their own
 * @param chunk features a chunk: a multiple of 128, but for the last one
 * @param listBlocks blocks of the kernel that ranks words, each with two lists of M words
 */
record ExplainPlan(
    long features, long words, long width, long top, boolean stored, long chunk, int listBlocks) {
  private static final int BLOCK = Backend.EXPLAIN_TILE;

  /**
   * Side of a tile of logits, and what its block needs: kLevels·16·256 + kStages·2·kHalf floats.
   */
  private static final int TILE = 64;

  private static final int LOGITS_SHARED = 4 * (5 * 16 * 256 + 4 * 2 * (4 * 2 * TILE + 16));

  /** A block of logits, its rows one float longer. */
  private static final int BLOCK_SHARED = 4 * BLOCK * (BLOCK + 1);

  /** Floats that a row of logits begins at a multiple of, so that each read is of whole sectors. */
  private static final int ROW_FLOATS = 32;

  /** Of LogSum and of ExplainedWord. */
  private static final int PART_BYTES = 16;

  private static final int RANKERS_PER_MULTIPROCESSOR = 8;
  private static final long LIST_BYTES = 256L << 20;
  private static final long SMALLEST_CHUNK_BYTES = 16L << 20;

  /** The first pass. */
  static ExplainPlan statistics(
      long features, long words, long width, boolean stored, DeviceTraits device, long freeBytes) {
    return of(features, words, width, 0, stored, device, freeBytes);
  }

  /**
   * The second pass.
   *
   * @param top M
   */
  static ExplainPlan top(
      long features,
      long words,
      long width,
      long top,
      boolean stored,
      DeviceTraits device,
      long freeBytes) {
    return of(features, words, width, top, stored, device, freeBytes);
  }

  private static ExplainPlan of(
      long features,
      long words,
      long width,
      long top,
      boolean stored,
      DeviceTraits device,
      long freeBytes) {
    long chunk = stored ? features : chunk(features, words, device, freeBytes);
    long lists = top == 0 ? 0 : Math.max(1, Math.min(LIST_BYTES, freeBytes / 8) / listBytes(top));
    long rankers = (long) RANKERS_PER_MULTIPROCESSOR * device.multiprocessors();
    int listBlocks = (int) Math.min(Math.min(chunk, rankers), lists);
    return new ExplainPlan(features, words, width, top, stored, chunk, listBlocks);
  }

  /** As many features as keep their logits in the L2 cache, and in half of the free memory. */
  private static long chunk(long features, long words, DeviceTraits device, long freeBytes) {
    long cache = Math.max(device.l2Bytes(), SMALLEST_CHUNK_BYTES);
    long fitting = Math.min(cache, freeBytes / 2) / (4 * stride(words));
    return Math.min(features, Math.max(BLOCK, fitting / BLOCK * BLOCK));
  }

  /** Whether a shard's logits may have room: where half of the free memory is left for the rest. */
  static boolean hasRoom(long features, long words, long freeBytes) {
    return 4 * stride(words) <= freeBytes / 2 / Math.max(1, features);
  }

  /** Of a shard's logits. */
  static Shape logits(long features, long words) {
    return Shape.of(features, stride(words));
  }

  /** Floats from one row of logits to the next. */
  static long stride(long words) {
    return blocks(words, ROW_FLOATS) * ROW_FLOATS;
  }

  private static long listBytes(long top) {
    return Math.multiplyExact(2 * PART_BYTES, top);
  }

  private static long blocks(long count, int size) {
    return (count + size - 1) / size;
  }

  // --- memory beside what the caller brings

  long logitBytes() {
    return stored ? 0 : 4 * chunk * stride(words);
  }

  long rowPartBytes() {
    return PART_BYTES * chunk * wordBlocks();
  }

  long columnPartBytes() {
    return PART_BYTES * featureBlocks(chunk) * words;
  }

  long keptBytes() {
    return listBlocks * listBytes(top);
  }

  // --- launches for `count` features of a chunk

  long wordBlocks() {
    return blocks(words, BLOCK);
  }

  long featureBlocks(long count) {
    return blocks(count, BLOCK);
  }

  LaunchShape logits(long count) {
    return dots(count, words);
  }

  /** Of cox_explain_logits for any two sets of rows. */
  static LaunchShape dots(long features, long words) {
    return LaunchShape.of(blocks(features, TILE) * blocks(words, TILE), 256, LOGITS_SHARED);
  }

  LaunchShape blocks(long count) {
    return LaunchShape.of(featureBlocks(count) * wordBlocks(), 256, BLOCK_SHARED);
  }

  LaunchShape mergeRows(long count) {
    return LaunchShape.of(blocks(count, 32), 1024, 0);
  }

  /** Also for the columns' logarithms. */
  LaunchShape mergeColumns() {
    return LaunchShape.of(blocks(words, 256), 256, 0);
  }

  LaunchShape rank(long count) {
    return LaunchShape.of(Math.min(count, listBlocks), 128, 0);
  }
}
