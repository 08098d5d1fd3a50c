package dev.coxswain.reference;

import java.util.Arrays;

/** The steering update bit for bit in plain Java float arithmetic, written from its definition. */
public final class CanonicalSteer {
  private static final float MAX = Float.MAX_VALUE;

  private final SteerCase plan;
  private final float[] x;
  private long clamped;

  private CanonicalSteer(SteerCase plan, float[] x) {
    this.plan = plan;
    this.x = x;
  }

  /** What becomes of a row. */
  public enum Fate {
    STEERED,
    GATED_OFF,
    NON_FINITE
  }

  /**
   * A row after its plan.
   *
   * @param x float32, before it is rounded to the storage type; the input where not steered
   * @param clamped elements that overflowed float32, counted at every rule
   */
  public record Row(Fate fate, float[] x, long clamped) {}

  public static Row steer(SteerCase plan, float[] row) {
    for (float value : row) {
      if (!Float.isFinite(value)) {
        return new Row(Fate.NON_FINITE, row, 0);
      }
    }
    CanonicalSteer steering = new CanonicalSteer(plan, row.clone());
    if (!steering.open()) {
      return new Row(Fate.GATED_OFF, row, 0);
    }
    plan.rules().forEach(steering::apply);
    return new Row(Fate.STEERED, steering.x, steering.clamped);
  }

  private boolean open() {
    if (plan.condition().isEmpty()) {
      return true;
    }
    SteerCase.Condition condition = plan.condition().get();
    float sum = 0;
    int positive = 0;
    for (float g : read(condition.read(), condition.readBias())) {
      if (g > 0) {
        sum = sum + g;
        positive++;
      }
    }
    return positive > 0 && sum / positive >= condition.threshold();
  }

  private float[] read(float[] read, float[] readBias) {
    float[] h = new float[readBias.length];
    for (int j = 0; j < h.length; j++) {
      float value = Canonical.dot(x, 0, read, j * x.length, x.length) + readBias[j];
      h[j] = value > 0 ? Math.min(value, MAX) : 0f;
    }
    return h;
  }

  private static float limit(float value) {
    return Math.max(-MAX, Math.min(MAX, value));
  }

  private void apply(SteerCase.Rule rule) {
    float[] h = read(rule.read(), rule.readBias());
    float tau = rule.strength();
    switch (rule.kind()) {
      case AMPLIFY -> {
        for (int j = 0; j < h.length; j++) {
          h[j] = limit(rule.strength() * h[j]);
        }
        update(rule, h);
      }
      case CALIBRATE -> {
        for (int j = 0; j < h.length; j++) {
          h[j] = -h[j];
        }
        update(rule, h);
      }
      case CLAMP -> {
        for (int j = 0; j < h.length; j++) {
          h[j] = limit(tau - h[j]);
        }
        update(rule, h);
      }
      case ADD -> update(rule, h);
      case ENFORCE -> enforce(rule, h);
    }
  }

  private void enforce(SteerCase.Rule rule, float[] h) {
    float sum = 0;
    for (int j = 0; j < h.length; j++) {
      float missing = rule.strength() - h[j];
      h[j] = missing > 0 ? Math.min(missing, MAX) : 0f;
      sum = sum + h[j];
    }
    if (sum == 0) {
      return;
    }
    for (int j = 0; j < h.length; j++) {
      h[j] = limit(rule.strength() * (h[j] / sum));
    }
    int[] exponents = new int[2];
    float before = norm(exponents, 0);
    update(rule, h);
    float after = norm(exponents, 1);
    if (after == 0) {
      return;
    }
    float factor = limit(Math.scalb(before / after, exponents[0] - exponents[1]));
    for (int e = 0; e < x.length; e++) {
      x[e] = counted(x[e] * factor);
    }
  }

  private void update(SteerCase.Rule rule, float[] coefficients) {
    boolean none = true;
    for (float coefficient : coefficients) {
      none &= coefficient == 0;
    }
    if (none && rule.constant().length == 0) {
      return;
    }
    for (int e = 0; e < x.length; e++) {
      float sum = x[e];
      for (int j = 0; j < coefficients.length; j++) {
        if (coefficients[j] != 0) {
          sum = Math.fma(coefficients[j], rule.write()[j * x.length + e], sum);
        }
      }
      x[e] = counted(rule.constant().length == 0 ? sum : sum + rule.constant()[e]);
    }
  }

  private float counted(float value) {
    clamped += Float.isInfinite(value) ? 1 : 0;
    return limit(value);
  }

  /**
   * √dot(x, x), or of x · 2^−exponent where that dot is not between 2^−100 and the largest float.
   */
  private float norm(int[] exponents, int index) {
    float square = Canonical.dot(x, 0, x, 0, x.length);
    if (square >= 0x1p-100f && square <= MAX) {
      exponents[index] = 0;
      return (float) Math.sqrt(square);
    }
    float largest = 0;
    for (float value : x) {
      largest = Math.max(largest, Math.abs(value));
    }
    if (largest == 0) {
      exponents[index] = 0;
      return 0;
    }
    int exponent = (int) Math.floor(Math.log(largest) / Math.log(2) + 1e-12);
    while (Math.scalb(1.0, exponent) > largest) {
      exponent--;
    }
    while (Math.scalb(1.0, exponent + 1) <= largest) {
      exponent++;
    }
    exponents[index] = exponent + 32;
    float[] scaled = Arrays.copyOf(x, x.length);
    for (int e = 0; e < scaled.length; e++) {
      scaled[e] = Math.scalb(scaled[e], -exponents[index]);
    }
    return (float) Math.sqrt(Canonical.dot(scaled, 0, scaled, 0, scaled.length));
  }
}
