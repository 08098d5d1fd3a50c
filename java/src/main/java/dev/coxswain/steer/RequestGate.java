package dev.coxswain.steer;

import java.util.List;
import java.util.Locale;

/**
 * {@code gate}: the plan is on for a whole request when {@code bias + Σ weights[j] · pool_i a[i,
 * features[j]] ≥ threshold}, a being the Top-K activations of the request's {@code rows}. It is
 * data only: {@link CompiledPlan} refuses a plan that has one. What decides it later needs each
 * request's prompt rows encoded before the first reply row, which is why such a plan's positions
 * are {@code reply} or {@code generated}.
 *
 * @param weights one a feature
 */
public record RequestGate(
    List<Integer> features,
    List<Float> weights,
    float bias,
    float threshold,
    Pool pool,
    Rows rows) {
  /** How a feature's activations over the rows become one number. */
  public enum Pool {
    MAX,
    MEAN;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Which rows of a request the gate reads; BOS never. */
  public enum Rows {
    USER,
    PROMPT;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  public RequestGate {
    features = List.copyOf(features);
    weights = List.copyOf(weights);
  }
}
