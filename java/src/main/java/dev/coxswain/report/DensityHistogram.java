package dev.coxswain.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** How many features fire how often, over log10 of the share of tokens. */
final class DensityHistogram {
  private static final double FROM = -6;
  private static final double STEP = 0.25;
  private static final int BINS = 24;

  private DensityHistogram() {}

  /**
   * @param density one number a feature; 0 = never fired
   */
  static ObjectNode of(JsonNode density) {
    int[] counts = new int[BINS];
    int never = 0;
    for (JsonNode share : density) {
      if (share.asDouble() <= 0) {
        never++;
      } else {
        int bin = (int) Math.floor((Math.log10(share.asDouble()) - FROM) / STEP);
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
