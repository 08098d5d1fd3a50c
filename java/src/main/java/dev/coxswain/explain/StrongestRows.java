package dev.coxswain.explain;

import dev.coxswain.backend.Backend;
import dev.coxswain.io.Harvest;
import dev.coxswain.sae.SparseAutoencoder;
import java.util.Arrays;
import java.util.function.LongConsumer;

/** The rows of each feature's strongest activations; equal ones: the earlier first. */
final class StrongestRows implements ActivationStream.Visitor {
  static final int TOP = 20;

  private final long[] rows;
  private final float[] activations;
  private final int[] counts;

  private StrongestRows(int features) {
    this.rows = new long[Math.multiplyExact(features, TOP)];
    this.activations = new float[features * TOP];
    this.counts = new int[features];
  }

  static StrongestRows of(
      Backend backend, SparseAutoencoder sae, Harvest harvest, LongConsumer progress) {
    StrongestRows strongest = new StrongestRows(sae.features());
    new ActivationStream(backend, sae, harvest).visit(sae, strongest, progress);
    return strongest;
  }

  @Override
  public void active(long row, int feature, float activation) {
    int first = feature * TOP;
    int count = counts[feature];
    if (count == TOP && activations[first + TOP - 1] >= activation) {
      return;
    }
    int place = first + Math.min(count, TOP - 1);
    counts[feature] = Math.min(count + 1, TOP);
    for (; place > first && activations[place - 1] < activation; place--) {
      activations[place] = activations[place - 1];
      rows[place] = rows[place - 1];
    }
    activations[place] = activation;
    rows[place] = row;
  }

  @Override
  public void rowsDone(long row) {}

  boolean isActive(int feature) {
    return counts[feature] > 0;
  }

  /** Rows of a feature's strongest activations, strongest first; at most {@link #TOP}. */
  long[] rows(int feature) {
    return Arrays.copyOfRange(rows, feature * TOP, feature * TOP + counts[feature]);
  }
}
