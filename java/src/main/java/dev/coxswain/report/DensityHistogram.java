package dev.coxswain.report;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** How many features fire how often, over log10 of the share of tokens. */
final class DensityHistogram {
  private static final double FROM = -6;
  private static final double STEP = 0.25;
  private static final int BINS = 24;

  /** Trainers write log10(0 + ε) for a feature that never fired, with an ε of 1e-10 or so. */
  private static final double NEVER = -9;

  private DensityHistogram() {}

  /**
   * @param log10Density one entry a feature; −∞ or below −9 = never fired
   */
  static ObjectNode of(float[] log10Density) {
    int[] counts = new int[BINS];
    int never = 0;
    for (float value : log10Density) {
      if (!(value > NEVER)) {
        never++;
      } else {
        int bin = (int) Math.floor((value - FROM) / STEP);
        counts[Math.max(0, Math.min(BINS - 1, bin))]++;
      }
    }
    return node(counts, never);
  }

  /** Empty bins at the left end say nothing and are left out. */
  private static ObjectNode node(int[] counts, int never) {
    int first = 0;
    while (first < BINS / 2 && counts[first] == 0) {
      first++;
    }
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("from", FROM + first * STEP).put("step", STEP).put("never", never);
    ArrayNode shown = node.putArray("counts");
    for (int bin = first; bin < BINS; bin++) {
      shown.add(counts[bin]);
    }
    return node;
  }
}
