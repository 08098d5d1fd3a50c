package dev.coxswain.train;

/**
 * How well an SAE reconstructs rows (math.md, quality).
 *
 * @param fvu Σ‖x−x̂‖² / Σ‖x−mean(x)‖²; NaN where the rows do not vary
 * @param l0 mean active features a row
 * @param deadFraction share of features that never fired
 * @param normalizedL2 mean over rows of ‖x−x̂‖²/‖x‖²; rows that are zero left out
 * @param rows evaluated, and those left out by reason
 */
public record Evaluation(
    double fvu, double l0, double deadFraction, double normalizedL2, RowCounts rows) {
  public double explainedVariance() {
    return 1 - fvu;
  }
}
