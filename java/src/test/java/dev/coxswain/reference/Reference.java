package dev.coxswain.reference;

import dev.coxswain.backend.Normalization;

/** math.md in plain double precision, in its order and symbols. Nobody optimises it. */
public final class Reference {
  private Reference() {}

  /**
   * Pre-activations z of one finite row.
   *
   * @param subtract b_dec, or empty where δ = 0
   * @return F values, or none where the row cannot be normalised
   */
  public static double[] scores(
      double[] x, Normalization normalization, float[] subtract, float[] wEnc, float[] bEnc) {
    double[] y = normalize(x, normalization);
    double[] z = new double[y.length == 0 ? 0 : bEnc.length];
    for (int f = 0; f < z.length; f++) {
      double sum = 0;
      for (int e = 0; e < y.length; e++) {
        double shifted = subtract.length > 0 ? y[e] - subtract[e] : y[e];
        sum += shifted * wEnc[f * y.length + e];
      }
      z[f] = sum + bEnc[f];
    }
    return z;
  }

  private static double[] normalize(double[] x, Normalization normalization) {
    double[] shiftScale = shiftScale(x, normalization);
    double[] y = x.clone();
    if (normalization == Normalization.CONSTANT_NORM && shiftScale[1] == 0) {
      return new double[0];
    }
    double epsilon = normalization == Normalization.LAYER_NORM ? 1e-5 : 0;
    for (int e = 0; e < y.length; e++) {
      y[e] = (y[e] - shiftScale[0]) / (shiftScale[1] + epsilon);
    }
    return y;
  }

  /** (shift, scale) that undo the normalisation. */
  public static double[] shiftScale(double[] x, Normalization normalization) {
    int d = x.length;
    double sum = 0;
    double squares = 0;
    for (double value : x) {
      sum += value;
      squares += value * value;
    }
    if (normalization == Normalization.CONSTANT_NORM) {
      return new double[] {0, Math.sqrt(squares) / Math.sqrt(d)};
    }
    if (normalization == Normalization.NONE) {
      return new double[] {0, 1};
    }
    double mean = sum / d;
    double deviations = 0;
    for (double value : x) {
      deviations += (value - mean) * (value - mean);
    }
    return new double[] {mean, Math.sqrt(deviations / (d - 1))};
  }

  /** x̂ of one row: Σ a·W_dec + b_dec, then the normalisation undone. */
  public static double[] decode(
      int[] indices, float[] values, float[] wDec, float[] bDec, double[] shiftScale) {
    double[] xHat = new double[bDec.length];
    for (int e = 0; e < xHat.length; e++) {
      double sum = bDec[e];
      for (int i = 0; i < indices.length; i++) {
        if (indices[i] >= 0) {
          sum += (double) values[i] * wDec[indices[i] * xHat.length + e];
        }
      }
      xHat[e] = sum * shiftScale[1] + shiftScale[0];
    }
    return xHat;
  }
}
