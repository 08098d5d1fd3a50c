package dev.coxswain.reference;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Normalization;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The canonical arithmetic in plain Java, for tests that want equal bits. Written from its
 * definition (docs/design.md), not for speed.
 */
public final class Canonical {
  private Canonical() {}

  /** 256 accumulators by index, a pairwise tree within each eight, then halves onto halves. */
  public static float dot(float[] u, int uFrom, float[] w, int wFrom, int d) {
    float[] a = new float[256];
    for (int e = 0; e < d; e++) {
      a[e % 256] = Math.fma(u[uFrom + e], w[wFrom + e], a[e % 256]);
    }
    float[] s = new float[32];
    for (int l = 0; l < 32; l++) {
      int p = 8 * l;
      s[l] =
          ((a[p] + a[p + 1]) + (a[p + 2] + a[p + 3]))
              + ((a[p + 4] + a[p + 5]) + (a[p + 6] + a[p + 7]));
    }
    for (int o = 16; o > 0; o /= 2) {
      for (int l = 0; l < o; l++) {
        s[l] = s[l] + s[l ^ o];
      }
    }
    return s[0];
  }

  /**
   * A row made ready for scoring.
   *
   * @param x x̃ − δ·b_dec; empty where no feature can be active
   */
  public record Prepared(float[] x, float shift, float scale, boolean finite) {
    public boolean ready() {
      return x.length > 0;
    }
  }

  private static Prepared unready(boolean finite) {
    return new Prepared(new float[0], 0f, 0f, finite);
  }

  public static Prepared prepare(
      float[] rows, int row, int d, Normalization normalization, float[] subtract) {
    float[] x = java.util.Arrays.copyOfRange(rows, row * d, (row + 1) * d);
    for (float value : x) {
      if (!Float.isFinite(value)) {
        return unready(false);
      }
    }
    float shift = 0f;
    float scale = 1f;
    if (normalization == Normalization.CONSTANT_NORM) {
      float norm = (float) Math.sqrt(dot(x, 0, x, 0, d));
      float root = (float) Math.sqrt(d);
      float factor = root / norm;
      if (!(norm > 0 && Float.isFinite(norm) && Float.isFinite(factor))) {
        return unready(true);
      }
      for (int e = 0; e < d; e++) {
        x[e] = x[e] * factor;
      }
      scale = norm / root;
    } else if (normalization == Normalization.LAYER_NORM) {
      float[] ones = new float[d];
      java.util.Arrays.fill(ones, 1f);
      shift = dot(x, 0, ones, 0, d) / d;
      for (int e = 0; e < d; e++) {
        x[e] = x[e] - shift;
      }
      scale = (float) Math.sqrt(dot(x, 0, x, 0, d) / (d - 1));
      if (!Float.isFinite(scale)) {
        return unready(true);
      }
      float divisor = scale + 1e-5f;
      for (int e = 0; e < d; e++) {
        x[e] = x[e] / divisor;
      }
    }
    for (int e = 0; e < d && subtract.length > 0; e++) {
      x[e] = x[e] - subtract[e];
    }
    return new Prepared(x, shift, scale, true);
  }

  /** One active feature. */
  public record Active(int index, float value) {}

  /** The active features of a prepared row, best first. */
  public static List<Active> encode(
      Prepared row, float[] wEnc, float[] bEnc, float[] threshold, Activation activation, int k) {
    List<Active> active = new ArrayList<>();
    int d = row.x().length;
    for (int f = 0; f < bEnc.length && row.ready(); f++) {
      float z = dot(row.x(), 0, wEnc, f * d, d) + bEnc[f];
      float least = activation == Activation.JUMP_RELU ? Math.max(threshold[f], 0f) : 0f;
      if (z > least) {
        active.add(new Active(f, Math.min(z, Float.MAX_VALUE)));
      }
    }
    active.sort(Comparator.comparingDouble((Active a) -> -a.value()).thenComparing(Active::index));
    boolean cut = activation == Activation.TOP_K && active.size() > k;
    return cut ? active.subList(0, k) : active;
  }

  /** x̂ of one row before it is rounded to its type. */
  public static float[] decode(
      List<Active> active, float[] wDec, float[] bDec, boolean normalized, float[] shiftScale) {
    int d = bDec.length;
    float[] xHat = new float[d];
    if (shiftScale[0] == 0f && shiftScale[1] == 0f) {
      return xHat;
    }
    List<Active> ascending = new ArrayList<>(active);
    ascending.sort(Comparator.comparingInt(Active::index));
    for (int e = 0; e < d; e++) {
      float sum = 0f;
      for (Active a : ascending) {
        sum = Math.fma(a.value(), wDec[a.index() * d + e], sum);
      }
      sum = sum + bDec[e];
      xHat[e] = normalized ? sum * shiftScale[1] + shiftScale[0] : sum;
    }
    return xHat;
  }
}
