package dev.coxswain.steer;

/**
 * How strong a rule is. A relative strength r becomes the raw one that makes the constant part of
 * the update, which is β·s̄ for calibrate, γ·ΣS for add, γ·v for vector and τ·ΣS for clamp, r times
 * as long as the mean training row; for enforce τ itself is r × that norm.
 *
 * @param value finite: β, τ or γ itself, or r
 * @param unit what {@code value} is measured in
 */
public record Strength(float value, Unit unit) {
  /** Raw, or a share of the mean norm of the SAE's training rows. */
  public enum Unit {
    RAW,
    RELATIVE
  }

  public static Strength raw(float value) {
    return new Strength(value, Unit.RAW);
  }

  public static Strength relative(float value) {
    return new Strength(value, Unit.RELATIVE);
  }
}
