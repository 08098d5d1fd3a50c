package dev.coxswain.reference;

import java.util.Optional;

/** math.md's steering in plain double precision. Nobody optimises it. */
public final class SteerReference {
  private SteerReference() {}

  /**
   * @param x a finite row
   * @return x', or nothing where the condition leaves the row alone
   */
  public static Optional<double[]> steer(SteerCase plan, double[] x) {
    if (plan.condition().isPresent() && !open(plan.condition().get(), x)) {
      return Optional.empty();
    }
    double[] y = x.clone();
    for (SteerCase.Rule rule : plan.rules()) {
      y = apply(rule, y);
    }
    return Optional.of(y);
  }

  private static boolean open(SteerCase.Condition condition, double[] x) {
    double[] g = read(x, condition.read(), condition.readBias());
    double sum = 0;
    int positive = 0;
    for (double value : g) {
      if (value > 0) {
        sum += value;
        positive++;
      }
    }
    return positive > 0 && sum / positive >= condition.threshold();
  }

  /** h = ReLU(x R + c). */
  public static double[] read(double[] x, float[] read, float[] readBias) {
    double[] h = new double[readBias.length];
    for (int j = 0; j < h.length; j++) {
      double sum = readBias[j];
      for (int e = 0; e < x.length; e++) {
        sum += x[e] * read[j * x.length + e];
      }
      h[j] = Math.max(sum, 0);
    }
    return h;
  }

  private static double[] apply(SteerCase.Rule rule, double[] x) {
    double[] h = read(x, rule.read(), rule.readBias());
    double[] y = x.clone();
    switch (rule.kind()) {
      case AMPLIFY -> addRows(y, times(h, rule.strength()), rule.write());
      case CALIBRATE -> {
        addRows(y, times(h, -1), rule.write());
        addRows(y, new double[] {1}, rule.constant());
      }
      case CLAMP -> {
        for (int j = 0; j < h.length; j++) {
          h[j] = rule.strength() - h[j];
        }
        addRows(y, h, rule.write());
      }
      case ADD -> addRows(y, new double[] {1}, rule.constant());
      case ENFORCE -> {
        return enforce(rule, h, x, y);
      }
    }
    return y;
  }

  private static double[] enforce(SteerCase.Rule rule, double[] h, double[] x, double[] y) {
    double sum = missing(rule, h);
    if (sum == 0) {
      return x;
    }
    double[] weights = new double[h.length];
    for (int j = 0; j < h.length; j++) {
      weights[j] = rule.strength() * Math.max(rule.strength() - h[j], 0) / sum;
    }
    addRows(y, weights, rule.write());
    double after = norm(y);
    return after == 0 ? y : times(y, norm(x) / after);
  }

  /** Σv of an enforce rule. */
  public static double missing(SteerCase.Rule rule, double[] h) {
    double sum = 0;
    for (double value : h) {
      sum += Math.max(rule.strength() - value, 0);
    }
    return sum;
  }

  private static void addRows(double[] y, double[] weights, float[] rows) {
    for (int j = 0; j < weights.length; j++) {
      for (int e = 0; e < y.length; e++) {
        y[e] += weights[j] * rows[j * y.length + e];
      }
    }
  }

  private static double[] times(double[] values, double factor) {
    double[] product = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      product[i] = values[i] * factor;
    }
    return product;
  }

  private static double norm(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value * value;
    }
    return Math.sqrt(sum);
  }
}
