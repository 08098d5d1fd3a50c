package dev.coxswain.train;

import dev.coxswain.error.UsageException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What determines a trained SAE besides its rows: the same options and rows give the same bits,
 * whatever the device and the number of threads. {@link #builder} fills in what is not set.
 *
 * @param features F
 * @param k active features a row
 * @param steps optimiser steps
 * @param batchRows rows a step
 * @param seed of the dictionary's start and the order of the rows
 * @param learningRate at its highest
 * @param warmupSteps over which the learning rate rises from 0
 * @param decaySteps last steps, over which it falls linearly towards 0
 * @param kAux dead features AuxK reconstructs the error with; 0 switches AuxK off
 * @param auxCoefficient weight of AuxK's loss
 * @param deadAfter rows without firing after which a feature counts as dead
 * @param beta1 Adam's decay of the first moment
 * @param beta2 Adam's decay of the second moment
 * @param epsilon Adam's ε
 * @param biasStart where b_dec starts
 * @param shuffleRows rows that are shuffled as one; two such windows are in memory
 * @param holdOut documents left out
 */
public record TrainOptions(
    int features,
    int k,
    long steps,
    int batchRows,
    long seed,
    double learningRate,
    long warmupSteps,
    long decaySteps,
    int kAux,
    double auxCoefficient,
    long deadAfter,
    double beta1,
    double beta2,
    double epsilon,
    BiasStart biasStart,
    int shuffleRows,
    HoldOut holdOut) {
  private static final long MOST_STEPS = 1_000_000_000;
  private static final long MOST_BATCH = 1 << 20;

  /** Where b_dec starts. */
  public enum BiasStart {
    MEAN,
    /** Of up to 32,768 rows. */
    GEOMETRIC_MEDIAN
  }

  /**
   * @throws UsageException for an option out of range
   */
  public TrainOptions {
    atLeast("features", features, 1);
    atLeast("k", k, 1);
    if (k > features) {
      throw new UsageException("k = " + k + " must not exceed features = " + features);
    }
    atLeast("steps", steps, 1);
    atMost("steps", steps, MOST_STEPS);
    atLeast("batch", batchRows, 1);
    atMost("batch", batchRows, MOST_BATCH);
    positive("lr", learningRate);
    atLeast("warmup", warmupSteps, 0);
    atLeast("decay", decaySteps, 0);
    atLeast("k-aux", kAux, 0);
    atLeast("dead-after", deadAfter, 1);
    atLeast("shuffle-rows", shuffleRows, 1);
    positive("epsilon", epsilon);
    fraction("beta1", beta1);
    fraction("beta2", beta2);
    if (!(auxCoefficient >= 0) || Double.isInfinite(auxCoefficient)) {
      throw new UsageException("aux-coefficient must be finite and not negative");
    }
  }

  /**
   * @param width d of the rows, which some defaults follow
   */
  public static Builder builder(int width) {
    return new Builder(width);
  }

  /** Rows all steps together take. */
  public long totalRows() {
    return steps * batchRows;
  }

  /** The learning rate of step 1, 2, …: a rise, a plateau, a fall. */
  public double learningRateAt(long step) {
    double rise = warmupSteps == 0 ? 1 : (double) step / warmupSteps;
    double fall = decaySteps == 0 ? 1 : (double) (steps + 1 - step) / decaySteps;
    return learningRate * Math.min(1, Math.min(rise, fall));
  }

  /** Every option by its command-line name, in order: what a resumed run must share. */
  public Map<String, String> byName() {
    Map<String, String> names = new LinkedHashMap<>();
    names.put("features", String.valueOf(features));
    names.put("k", String.valueOf(k));
    names.put("steps", String.valueOf(steps));
    names.put("batch", String.valueOf(batchRows));
    names.put("seed", String.valueOf(seed));
    names.put("lr", String.valueOf(learningRate));
    names.put("warmup", String.valueOf(warmupSteps));
    names.put("decay", String.valueOf(decaySteps));
    names.put("k-aux", String.valueOf(kAux));
    names.put("aux-coefficient", String.valueOf(auxCoefficient));
    names.put("dead-after", String.valueOf(deadAfter));
    names.put("beta1", String.valueOf(beta1));
    names.put("beta2", String.valueOf(beta2));
    names.put("epsilon", String.valueOf(epsilon));
    names.put("bias-start", biasStart.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-'));
    names.put("shuffle-rows", String.valueOf(shuffleRows));
    names.put("hold-out", String.valueOf(holdOut.fraction()));
    return names;
  }

  private static void atLeast(String name, long value, long least) {
    if (value < least) {
      throw new UsageException(name + " must be at least " + least + ", was " + value);
    }
  }

  private static void atMost(String name, long value, long most) {
    if (value > most) {
      throw new UsageException(name + " must be at most " + most + ", was " + value);
    }
  }

  private static void positive(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new UsageException(name + " must be finite and greater than 0, was " + value);
    }
  }

  private static void fraction(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new UsageException(name + " must be from 0 to below 1, was " + value);
    }
  }

  /** Options by name; what stays unset follows from the rest. */
  public static final class Builder {
    private static final long WINDOW_BYTES = 512L << 20;
    private static final long MOST_WINDOW_ROWS = 1 << 17;
    private static final long MOST_DEAD_AFTER = 10_000_000;

    private final int width;
    private int features;
    private int k;
    private long steps = 1000;
    private int batchRows = 1024;
    private long seed;
    private double learningRate = Double.NaN;
    private long warmupSteps = -1;
    private long decaySteps = -1;
    private int kAux = -1;
    private double auxCoefficient = 1.0 / 32;
    private long deadAfter = -1;
    private BiasStart biasStart = BiasStart.MEAN;
    private int shuffleRows = -1;
    private HoldOut holdOut = HoldOut.NONE;

    private Builder(int width) {
      this.width = width;
    }

    public Builder features(int value) {
      features = value;
      return this;
    }

    public Builder k(int value) {
      k = value;
      return this;
    }

    public Builder steps(long value) {
      steps = value;
      return this;
    }

    public Builder batchRows(int value) {
      batchRows = value;
      return this;
    }

    public Builder seed(long value) {
      seed = value;
      return this;
    }

    public Builder learningRate(double value) {
      learningRate = value;
      return this;
    }

    public Builder warmupSteps(long value) {
      warmupSteps = value;
      return this;
    }

    public Builder decaySteps(long value) {
      decaySteps = value;
      return this;
    }

    public Builder kAux(int value) {
      kAux = value;
      return this;
    }

    public Builder auxCoefficient(double value) {
      auxCoefficient = value;
      return this;
    }

    public Builder deadAfter(long value) {
      deadAfter = value;
      return this;
    }

    public Builder biasStart(BiasStart value) {
      biasStart = value;
      return this;
    }

    public Builder shuffleRows(int value) {
      shuffleRows = value;
      return this;
    }

    public Builder holdOut(HoldOut value) {
      holdOut = value;
      return this;
    }

    /**
     * @throws UsageException for an option out of range
     */
    public TrainOptions build() {
      return new TrainOptions(
          features,
          k,
          steps,
          batchRows,
          seed,
          Double.isNaN(learningRate) ? defaultLearningRate() : learningRate,
          warmupSteps < 0 ? Math.min(1000, steps / 20) : warmupSteps,
          decaySteps < 0 ? steps / 2 : decaySteps,
          kAux < 0 ? Math.max(1, width / 2) : kAux,
          auxCoefficient,
          deadAfter < 0 ? defaultDeadAfter() : deadAfter,
          0.9,
          0.999,
          6.25e-10,
          biasStart,
          shuffleRows < 0 ? defaultShuffleRows() : shuffleRows,
          holdOut);
    }

    private double defaultLearningRate() {
      return 2e-3 * Math.sqrt(4096.0 / Math.max(1, features));
    }

    /** Gao et al. wait for 10 million tokens; a short run has to notice within its length. */
    private long defaultDeadAfter() {
      long share = Math.min(steps, MOST_STEPS) * batchRows / 20;
      return Math.max(1, Math.min(MOST_DEAD_AFTER, Math.max(share, 8L * batchRows)));
    }

    private int defaultShuffleRows() {
      long fitting = WINDOW_BYTES / (4L * Math.max(1, width));
      return (int) Math.max(1024, Math.min(fitting, MOST_WINDOW_ROWS));
    }
  }
}
