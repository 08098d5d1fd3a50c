package dev.coxswain.report;

import java.math.BigDecimal;
import java.math.MathContext;

/** Numbers with no more digits than a reader sees, which keeps the page small. */
final class Rounded {
  private Rounded() {}

  /** {@code value} with that many significant digits; finite values only. */
  static BigDecimal digits(double value, int digits) {
    BigDecimal rounded = new BigDecimal(value).round(new MathContext(digits)).stripTrailingZeros();
    return rounded.scale() < 0 ? rounded.setScale(0) : rounded;
  }
}
