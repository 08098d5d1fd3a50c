package dev.coxswain.explain;

import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.error.UsageException;

/**
 * How to explain.
 *
 * @param top M: words a feature
 * @param alpha temperature of p(w|c)
 * @param beta temperature of p(c|w)
 * @param directions what stands for a feature
 */
public record ExplainSettings(
    ExplainOptions.Objective objective, int top, float alpha, float beta, Directions directions) {
  /** The rows of W_dec themselves, or passed through the model's final norm. */
  public enum Directions {
    DECODER,
    /** U[c] ⊙ g · √d/‖U[c]‖, for vocabularies of output embeddings. */
    FINAL_NORM
  }

  /** mi, 10 words, temperatures 1, decoder rows as they are. */
  public static final ExplainSettings DEFAULT =
      new ExplainSettings(ExplainOptions.Objective.MI, 10, 1, 1, Directions.DECODER);

  public ExplainSettings {
    if (top < 1) {
      throw new UsageException("at least 1 word a feature is needed, not " + top);
    }
    requireTemperature("alpha", alpha);
    requireTemperature("beta", beta);
  }

  private static void requireTemperature(String name, float value) {
    if (!(value > 0) || !Float.isFinite(value)) {
      throw new UsageException(name + " = " + value + "; a temperature above 0 is needed");
    }
  }

  public ExplainSettings withTop(int other) {
    return new ExplainSettings(objective, other, alpha, beta, directions);
  }
}
