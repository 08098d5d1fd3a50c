package dev.coxswain.backend.cuda;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * A lane's device memory for the length of one operation, kept for the next: each block is an
 * allocation of its own, so that tools which check bounds see them apart. Content is undefined.
 */
final class Scratch {
  /** Frees all memory after each operation, so that nothing left over counts as initialised. */
  private static final boolean FRESH = Boolean.getBoolean("coxswain.cuda.freshScratch");

  private record Block(long address, long bytes) {}

  private final CudaDevice device;
  private final List<Block> used = new ArrayList<>();
  private final List<Block> free = new ArrayList<>();

  Scratch(CudaDevice device) {
    this.device = device;
  }

  /** Address of so many bytes, 256-byte aligned, until {@link #reset}; 0 for none. */
  long take(long bytes) {
    if (bytes == 0) {
      return 0;
    }
    Block block = fitting(bytes).orElseGet(() -> grown(bytes));
    used.add(block);
    return block.address();
  }

  private Optional<Block> fitting(long bytes) {
    Optional<Block> smallest =
        free.stream()
            .filter(block -> block.bytes() >= bytes)
            .min(Comparator.comparingLong(Block::bytes));
    smallest.ifPresent(free::remove);
    return smallest;
  }

  /**
   * In the place of the largest that is too small: no more blocks than an operation has at once.
   */
  private Block grown(long bytes) {
    free.stream()
        .max(Comparator.comparingLong(Block::bytes))
        .ifPresent(
            outgrown -> {
              free.remove(outgrown);
              device.free(outgrown.address());
            });
    return new Block(device.allocate(bytes), bytes);
  }

  /** Everything taken may be given out again; the work that used it must be done or in order. */
  void reset() {
    free.addAll(used);
    used.clear();
    if (FRESH) {
      freeAll();
    }
  }

  /** Returns the unused blocks to the device; true where there were some. */
  boolean freeAll() {
    boolean any = !free.isEmpty();
    free.forEach(block -> device.free(block.address()));
    free.clear();
    return any;
  }
}
