package dev.coxswain.backend;

/**
 * How features are explained by words (math.md, mutual-information explanation).
 *
 * @param alpha temperature of p(w|c)
 * @param beta temperature of p(c|w)
 * @param features F of the whole SAE: p(c) = 1/F, also when a call sees a shard of it
 */
public record ExplainOptions(Objective objective, float alpha, float beta, long features) {
  /** MI ranks by p(w|c)·(log p(c|w) − log p(c)); PAPER by the published p(w|c)·log p(c|w). */
  public enum Objective {
    MI,
    PAPER
  }

  /** −log p(c), which is added to log p(c|w); 0 for the paper's objective, which leaves it out. */
  public double shift() {
    return switch (objective) {
      case MI -> StrictMath.log(features);
      case PAPER -> 0;
    };
  }
}
