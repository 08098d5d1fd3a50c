package dev.coxswain.testing;

import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * The one generator of inputs: hidden states and an autoencoder's weights by name, shared by tests
 * and benches. Values are small enough for F16.
 */
public enum Inputs {
  /** Nothing special. */
  uniform(7, 70, 96, 8),
  /** Feature f has the weights of feature f mod 3, so most scores tie. */
  tiedRows(9, 70, 288, 10),
  /** All scores of a row share their leading bits: radix and histogram selection see one bucket. */
  sameLeadingBits(9, 64, 400, 16),
  /** No score is positive. */
  allNegative(6, 70, 264, 8),
  /** One row holds NaN. */
  nanRow(7, 70, 264, 8),
  /** One row holds +Inf, one −Inf. */
  infRow(7, 70, 264, 8),
  /** Subnormal hidden states and weights. */
  denormal(7, 70, 264, 8),
  /** A few dimensions are a thousand times the others, as in real models. */
  outlierDims(6, 576, 264, 8),
  /** One row is all zero, one constant. */
  zeroRow(7, 70, 264, 8),
  /** Every feature is selected. */
  kEqualsF(4, 33, 40, 40),
  /** The shape of token-by-token generation. */
  oneRow(1, 300, 128, 16),
  /** No extent is a multiple of any tile. */
  rowsNotMultipleOfTile(67, 259, 419, 13),
  /** The smallest there is. */
  smallest(1, 1, 1, 1),
  /** No row at all. */
  empty(0, 70, 64, 8);

  public final int n;
  public final int d;
  public final int features;
  public final int k;

  Inputs(int n, int d, int features, int k) {
    this.n = n;
    this.d = d;
    this.features = features;
    this.k = k;
  }

  public static Stream<Inputs> all() {
    return Stream.of(values());
  }

  /**
   * Plain arrays, row-major.
   *
   * @param x [n, d]
   * @param wEnc [F, d]
   * @param bEnc [F]
   * @param wDec [F, d]
   * @param bDec [d]
   * @param threshold [F]
   */
  public record Arrays(
      int n,
      int d,
      int features,
      int k,
      float[] x,
      float[] wEnc,
      float[] bEnc,
      float[] wDec,
      float[] bDec,
      float[] threshold) {}

  public Arrays draw(long seed) {
    SplittableRandom random = new SplittableRandom(seed ^ ((long) ordinal() << 32));
    float[] x = fill(random, n * d, 2f);
    float[] wEnc = fill(random, features * d, 1f);
    float[] bEnc = fill(random, features, 0.5f);
    float[] wDec = fill(random, features * d, 1f);
    float[] bDec = fill(random, d, 0.5f);
    float[] threshold = fill(random, features, 1f);
    for (int f = 0; f < features; f++) {
      threshold[f] = Math.abs(threshold[f]);
    }
    shape(x, wEnc, bEnc, bDec);
    return new Arrays(n, d, features, k, x, wEnc, bEnc, wDec, bDec, threshold);
  }

  private void shape(float[] x, float[] wEnc, float[] bEnc, float[] bDec) {
    switch (this) {
      case tiedRows -> tie(wEnc, bEnc);
      case sameLeadingBits -> bunch(wEnc, bEnc);
      case allNegative -> java.util.Arrays.fill(bEnc, -1e4f);
      case nanRow -> x[2 * d + 69] = Float.NaN;
      case infRow -> {
        x[d] = Float.POSITIVE_INFINITY;
        x[3 * d + 17] = Float.NEGATIVE_INFINITY;
      }
      case denormal -> {
        scale(x, 1e-20f);
        scale(wEnc, 1e-20f);
        scale(bEnc, 1e-42f);
        scale(bDec, 1e-20f);
      }
      case outlierDims -> outliers(x);
      case zeroRow -> {
        java.util.Arrays.fill(x, d, 2 * d, 0f);
        java.util.Arrays.fill(x, 3 * d, 4 * d, 1.5f);
      }
      default -> {}
    }
  }

  private void tie(float[] wEnc, float[] bEnc) {
    for (int f = 3; f < features; f++) {
      System.arraycopy(wEnc, (f % 3) * d, wEnc, f * d, d);
      bEnc[f] = bEnc[f % 3];
    }
  }

  private void bunch(float[] wEnc, float[] bEnc) {
    scale(wEnc, 1e-6f);
    for (int f = 0; f < features; f++) {
      bEnc[f] = 1.25f;
    }
  }

  private void outliers(float[] x) {
    for (int row = 0; row < n; row++) {
      x[row * d + 3] *= 1000f;
      x[row * d + 400] *= 1000f;
    }
  }

  private static void scale(float[] values, float factor) {
    for (int i = 0; i < values.length; i++) {
      values[i] *= factor;
    }
  }

  /** Uniform in ±range. */
  public static float[] fill(SplittableRandom random, int count, float range) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextDouble() * 2 - 1) * range;
    }
    return values;
  }
}
