package dev.coxswain.testing;

import java.util.SplittableRandom;

/** Seeds of random tests: fresh each run and printed; {@code -Dcox.seed=N} repeats one. */
public final class Seeds {
  private Seeds() {}

  public static long next(String test) {
    Long given = Long.getLong("cox.seed");
    long seed = given != null ? given : new SplittableRandom().nextLong();
    System.out.println(test + ": -Dcox.seed=" + seed);
    return seed;
  }
}
