package dev.coxswain.reference;

import dev.coxswain.backend.SteerRule;
import java.util.List;
import java.util.Optional;

/** A plan's rules as plain arrays, row-major; vectors that a kind has not are empty. */
public record SteerCase(int d, List<Rule> rules, Optional<Condition> condition) {
  /**
   * One rule.
   *
   * @param read R [m, d]
   * @param readBias c [m]
   * @param write S [m, d]
   * @param constant [d]
   * @param strength α or τ
   */
  public record Rule(
      SteerRule.Kind kind,
      float[] read,
      float[] readBias,
      float[] write,
      float[] constant,
      float strength) {
    public int m() {
      return readBias.length;
    }
  }

  /** Of a row: mean(g[g &gt; 0]) ≥ threshold. */
  public record Condition(float[] read, float[] readBias, float threshold) {}
}
