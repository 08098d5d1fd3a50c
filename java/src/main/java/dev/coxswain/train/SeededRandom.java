package dev.coxswain.train;

/**
 * The generator behind every random choice of a run: SplitMix64, started from a few numbers. The
 * same numbers give the same sequence on every machine and Java version. Not thread-safe.
 */
final class SeededRandom {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private long state;

  private SeededRandom(long state) {
    this.state = state;
  }

  /** A generator for, say, (seed, purpose, epoch); other numbers give an unrelated one. */
  static SeededRandom of(long... numbers) {
    long state = 0;
    for (long number : numbers) {
      state = mix(state + GOLDEN + mix(number + GOLDEN));
    }
    return new SeededRandom(state);
  }

  /** A bijection of 64 bits that scatters them (Stafford's variant 13). */
  static long mix(long bits) {
    long z = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  long nextLong() {
    state += GOLDEN;
    return mix(state);
  }

  /** Below {@code bound}; its bias of less than 2^-31 does not matter here. */
  int below(int bound) {
    return (int) (((nextLong() >>> 32) * bound) >>> 32);
  }

  /**
   * Nearly normal with mean 0: the sum of four uniform numbers. Integer arithmetic alone, so that a
   * dictionary starts with the same bits everywhere.
   */
  float nextBell() {
    long bits = nextLong();
    int sum = (int) (bits & 0xffff) + (int) (bits >>> 16 & 0xffff);
    sum += (int) (bits >>> 32 & 0xffff) + (int) (bits >>> 48);
    return (sum - 2 * 0xffff) / 65536f;
  }

  /** 0 to {@code size} − 1 in random order. */
  int[] permutation(int size) {
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      int j = below(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }
}
