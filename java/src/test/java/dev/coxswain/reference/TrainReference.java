package dev.coxswain.reference;

import dev.coxswain.backend.TrainStep;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Top-K training in plain double precision, in math.md's order and symbols. The loss is
 * differentiated by every place a parameter stands in: b_dec through the reconstruction and through
 * the encoder's input x − b_dec. AuxK's target e and its norm carry no gradient.
 */
public final class TrainReference {
  /** The parameters, or anything of their shapes: gradients and Adam's moments. */
  public record Parameters(double[][] wEnc, double[] bEnc, double[][] wDec, double[] bDec) {
    public static Parameters zeros(int features, int width) {
      return new Parameters(
          new double[features][width],
          new double[features],
          new double[features][width],
          new double[width]);
    }

    public int features() {
      return bEnc.length;
    }

    public int width() {
      return bDec.length;
    }

    public Parameters copy() {
      return new Parameters(
          Arrays.stream(wEnc).map(double[]::clone).toArray(double[][]::new),
          bEnc.clone(),
          Arrays.stream(wDec).map(double[]::clone).toArray(double[][]::new),
          bDec.clone());
    }

    /** Every scalar's array, so that a caller can walk all of them: W_enc, b_enc, W_dec, b_dec. */
    public double[][] arrays() {
      double[][] all = new double[2 * features() + 2][];
      System.arraycopy(wEnc, 0, all, 0, features());
      all[features()] = bEnc;
      System.arraycopy(wDec, 0, all, features() + 1, features());
      all[2 * features() + 1] = bDec;
      return all;
    }
  }

  /**
   * One forward pass.
   *
   * @param a activations of the selected features, else 0; [n][F]
   * @param aux the same of AuxK's dead features
   * @param error e = x − x̂; [n][d]
   * @param auxError e − ê; [n][d]
   * @param smallestGap between the last score selected and the first one not, over all rows
   */
  public record Forward(
      double[][] a,
      double[][] aux,
      double[][] error,
      double[][] auxError,
      double squaredError,
      double variance,
      double auxLoss,
      double smallestGap) {
    public double fvu() {
      return variance == 0 ? 0 : squaredError / variance;
    }

    public double loss(TrainStep step) {
      return fvu() + step.auxCoefficient() * auxLoss;
    }
  }

  private TrainReference() {}

  /** The forward pass with AuxK's target e as this pass finds it. */
  public static Forward forward(Parameters p, double[][] x, TrainStep step, boolean[] dead) {
    return forward(p, x, step, dead, null);
  }

  /** The forward pass with AuxK's target held at {@code target}, as its gradient sees it. */
  public static Forward forward(
      Parameters p, double[][] x, TrainStep step, boolean[] dead, double[][] target) {
    int n = x.length;
    double[][] a = new double[n][];
    double[][] aux = new double[n][];
    double[][] error = new double[n][];
    double[][] auxError = new double[n][];
    double gap = Double.POSITIVE_INFINITY;
    boolean[] all = new boolean[p.features()];
    Arrays.fill(all, true);
    for (int i = 0; i < n; i++) {
      double[] z = scores(p, x[i]);
      gap = Math.min(gap, Math.min(gap(z, all, step.k()), gap(z, dead, step.kAux())));
      a[i] = topK(z, all, step.k());
      aux[i] = topK(z, dead, step.kAux());
      error[i] = minus(x[i], plus(decode(p, a[i]), p.bDec));
      auxError[i] = minus(target == null ? error[i] : target[i], decode(p, aux[i]));
    }
    double targetNorm = squares(target == null ? error : target);
    boolean auxiliary = anyOf(dead) && step.kAux() > 0 && targetNorm > 0;
    double auxLoss = auxiliary ? squares(auxError) / targetNorm : 0;
    return new Forward(a, aux, error, auxError, squares(error), variance(x), auxLoss, gap);
  }

  /** ∂loss/∂parameters, before the decoder's parallel part is removed. */
  public static Parameters gradient(
      Parameters p, double[][] x, TrainStep step, boolean[] dead, Forward f) {
    Parameters g = Parameters.zeros(p.features(), p.width());
    double scale = f.variance == 0 ? 0 : -2 / f.variance;
    double errorNorm = squares(f.error);
    boolean auxiliary = anyOf(dead) && step.kAux() > 0 && errorNorm > 0;
    double auxScale = auxiliary ? -2 * step.auxCoefficient() / errorNorm : 0;
    for (int i = 0; i < x.length; i++) {
      double[] centred = minus(x[i], p.bDec);
      double[] outer = times(scale, f.error[i]);
      double[] auxOuter = times(auxScale, f.auxError[i]);
      add(g.bDec, 1, outer);
      for (int c = 0; c < p.features(); c++) {
        double dz = f.a[i][c] > 0 ? dot(outer, p.wDec[c]) : 0;
        dz += f.aux[i][c] > 0 ? dot(auxOuter, p.wDec[c]) : 0;
        add(g.wDec[c], f.a[i][c], outer);
        add(g.wDec[c], f.aux[i][c], auxOuter);
        add(g.wEnc[c], dz, centred);
        add(g.bDec, -dz, p.wEnc[c]);
        g.bEnc[c] += dz;
      }
    }
    return g;
  }

  /**
   * One whole step: changes {@code p}, {@code m}, {@code v} and {@code sinceFired}.
   *
   * @return the forward pass before the update
   */
  public static Forward step(
      Parameters p, Parameters m, Parameters v, long[] sinceFired, double[][] x, TrainStep step) {
    boolean[] dead = new boolean[p.features()];
    for (int c = 0; c < dead.length; c++) {
      dead[c] = sinceFired[c] >= step.deadAfter();
    }
    Forward f = forward(p, x, step, dead);
    Parameters g = gradient(p, x, step, dead, f);
    for (int c = 0; c < p.features(); c++) {
      add(g.wDec[c], -dot(g.wDec[c], p.wDec[c]), p.wDec[c].clone());
    }
    adam(p, m, v, g, step);
    for (int c = 0; c < p.features(); c++) {
      double norm = Math.sqrt(dot(p.wDec[c], p.wDec[c]));
      for (int e = 0; e < p.width(); e++) {
        p.wDec[c][e] /= norm;
      }
      int feature = c;
      boolean fired = Arrays.stream(f.a).anyMatch(row -> row[feature] > 0);
      sinceFired[c] = fired ? 0 : sinceFired[c] + x.length;
    }
    return f;
  }

  private static void adam(Parameters p, Parameters m, Parameters v, Parameters g, TrainStep step) {
    double correction1 = 1 - Math.pow(step.beta1(), step.step());
    double correction2 = 1 - Math.pow(step.beta2(), step.step());
    for (int part = 0; part < p.arrays().length; part++) {
      double[] parameter = p.arrays()[part];
      double[] first = m.arrays()[part];
      double[] second = v.arrays()[part];
      double[] gradient = g.arrays()[part];
      for (int j = 0; j < parameter.length; j++) {
        first[j] = step.beta1() * first[j] + (1 - step.beta1()) * gradient[j];
        second[j] = step.beta2() * second[j] + (1 - step.beta2()) * gradient[j] * gradient[j];
        double mHat = first[j] / correction1;
        double vHat = second[j] / correction2;
        parameter[j] -= step.learningRate() * mHat / (Math.sqrt(vHat) + step.epsilon());
      }
    }
  }

  private static double[] scores(Parameters p, double[] x) {
    double[] centred = minus(x, p.bDec);
    return IntStream.range(0, p.features())
        .mapToDouble(c -> dot(centred, p.wEnc[c]) + p.bEnc[c])
        .toArray();
  }

  /** max(z, 0) for the k largest z among {@code candidates}, lower index first, else 0. */
  private static double[] topK(double[] z, boolean[] candidates, int k) {
    double[] a = new double[z.length];
    for (int c : Arrays.stream(ranked(z, candidates)).limit(k).toArray()) {
      a[c] = Math.max(z[c], 0);
    }
    return a;
  }

  private static double gap(double[] z, boolean[] candidates, int k) {
    int[] order = ranked(z, candidates);
    return k == 0 || k >= order.length ? Double.POSITIVE_INFINITY : z[order[k - 1]] - z[order[k]];
  }

  private static int[] ranked(double[] z, boolean[] candidates) {
    return IntStream.range(0, z.length)
        .filter(c -> candidates[c])
        .boxed()
        .sorted(Comparator.comparingDouble((Integer c) -> -z[c]).thenComparingInt(c -> c))
        .mapToInt(c -> c)
        .toArray();
  }

  private static double[] decode(Parameters p, double[] a) {
    double[] sum = new double[p.width()];
    for (int c = 0; c < a.length; c++) {
      add(sum, a[c], p.wDec[c]);
    }
    return sum;
  }

  /** Σ‖x − mean(x)‖². */
  public static double variance(double[][] x) {
    double[] mean = new double[x[0].length];
    for (double[] row : x) {
      add(mean, 1.0 / x.length, row);
    }
    double sum = 0;
    for (double[] row : x) {
      double[] centred = minus(row, mean);
      sum += dot(centred, centred);
    }
    return sum;
  }

  private static boolean anyOf(boolean[] flags) {
    return IntStream.range(0, flags.length).anyMatch(c -> flags[c]);
  }

  private static double squares(double[][] rows) {
    return Arrays.stream(rows).mapToDouble(row -> dot(row, row)).sum();
  }

  private static double dot(double[] u, double[] w) {
    double sum = 0;
    for (int e = 0; e < u.length; e++) {
      sum += u[e] * w[e];
    }
    return sum;
  }

  private static double[] plus(double[] u, double[] w) {
    double[] sum = u.clone();
    add(sum, 1, w);
    return sum;
  }

  private static double[] minus(double[] u, double[] w) {
    double[] difference = u.clone();
    add(difference, -1, w);
    return difference;
  }

  private static double[] times(double factor, double[] u) {
    return Arrays.stream(u).map(value -> factor * value).toArray();
  }

  private static void add(double[] sum, double factor, double[] u) {
    for (int e = 0; e < sum.length; e++) {
      sum[e] += factor * u[e];
    }
  }
}
