package dev.coxswain.backend.cuda;

/**
 * How a kernel is launched: the result of a launch plan.
 *
 * @param gridX blocks along x, y and z; y and z are at most 65,535
 * @param blockX threads of a block along x, y and z
 * @param sharedBytes dynamic shared memory of a block
 */
record LaunchShape(
    int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int sharedBytes) {
  /** One-dimensional. */
  static LaunchShape of(long blocks, int threads, int sharedBytes) {
    return new LaunchShape(Math.toIntExact(blocks), 1, 1, threads, 1, 1, sharedBytes);
  }

  /** Blocks along x and y, threads along x. */
  static LaunchShape of(long blocksX, long blocksY, int threads, int sharedBytes) {
    return new LaunchShape(
        Math.toIntExact(blocksX), Math.toIntExact(blocksY), 1, threads, 1, 1, sharedBytes);
  }
}
