package dev.coxswain.explain;

import dev.coxswain.io.Harvest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;

/** How much more often words stand near a feature's strongest activations than anywhere. */
final class Lift {
  /** Tokens on either side. */
  static final int REACH = 24;

  private static final int BLOCK = 1 << 16;

  private final Harvest harvest;
  private final StrongestRows strongest;
  private final WordCounts counts;

  /** First row of every document, and the number of rows at the end. */
  private final long[] documentStarts;

  Lift(Harvest harvest, StrongestRows strongest, WordCounts counts) {
    this.harvest = harvest;
    this.strongest = strongest;
    this.counts = counts;
    this.documentStarts = documentStarts(harvest);
  }

  private static long[] documentStarts(Harvest harvest) {
    List<Long> starts = new ArrayList<>();
    long last = 0;
    for (long from = 0; from < harvest.rows(); from += BLOCK) {
      long[] documents = harvest.documents(from, Math.min(harvest.rows(), from + BLOCK));
      for (int i = 0; i < documents.length; i++) {
        if (starts.isEmpty() || documents[i] != last) {
          starts.add(from + i);
        }
        last = documents[i];
      }
    }
    starts.add(harvest.rows());
    return starts.stream().mapToLong(Long::longValue).toArray();
  }

  /**
   * A feature's windows, merged: ascending, disjoint ranges of rows.
   *
   * @param bounds from (inclusive) and to (exclusive) of each in turn
   */
  private record Near(long[] bounds, long rows) {
    boolean contains(long row) {
      int found = Arrays.binarySearch(bounds, row);
      int place = found >= 0 ? found : -found - 2;
      return place >= 0 && place % 2 == 0;
    }
  }

  private Near near(long[] strongestRows) {
    long[] sorted = strongestRows.clone();
    Arrays.sort(sorted);
    List<Long> bounds = new ArrayList<>();
    long total = 0;
    for (long row : sorted) {
      int found = Arrays.binarySearch(documentStarts, row);
      int document = found >= 0 ? found : -found - 2;
      long from = Math.max(documentStarts[document], row - REACH);
      long to = Math.min(documentStarts[document + 1], row + REACH + 1);
      int last = bounds.size() - 1;
      if (last >= 0 && bounds.get(last) >= from) {
        total += to - bounds.get(last);
        bounds.set(last, to);
      } else {
        total += to - from;
        bounds.add(from);
        bounds.add(to);
      }
    }
    return new Near(bounds.stream().mapToLong(Long::longValue).toArray(), total);
  }

  /** Lifts of the features that are active somewhere and of whose words one stands somewhere. */
  Map<Integer, Double> of(Map<Integer, Set<String>> wordsByFeature) {
    Map<String, List<Integer>> featuresByWord = new HashMap<>();
    Map<Integer, Near> windows = new HashMap<>();
    wordsByFeature.forEach(
        (feature, words) -> {
          if (strongest.isActive(feature)) {
            windows.put(feature, near(strongest.rows(feature)));
            words.forEach(
                w -> featuresByWord.computeIfAbsent(w, key -> new ArrayList<>()).add(feature));
          }
        });
    Map<Integer, Long> hits = hits(featuresByWord, windows);
    Map<Integer, Double> lifts = new TreeMap<>();
    windows.forEach(
        (feature, near) -> {
          long anywhere = wordsByFeature.get(feature).stream().mapToLong(counts::of).sum();
          if (anywhere > 0) {
            double here = (double) hits.getOrDefault(feature, 0L) / near.rows();
            lifts.put(feature, here / ((double) anywhere / harvest.rows()));
          }
        });
    return lifts;
  }

  private Map<Integer, Long> hits(
      Map<String, List<Integer>> featuresByWord, Map<Integer, Near> windows) {
    Map<Integer, Long> hits = new HashMap<>();
    HarvestWords words = new HarvestWords(harvest);
    for (Optional<HarvestWords.Occurrence> at = words.next(); at.isPresent(); at = words.next()) {
      for (int feature : featuresByWord.getOrDefault(at.get().word(), List.of())) {
        if (windows.get(feature).contains(at.get().row())) {
          hits.merge(feature, 1L, Long::sum);
        }
      }
    }
    return hits;
  }

  static OptionalDouble median(Map<Integer, Double> lifts) {
    Collection<Double> values = lifts.values();
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    if (sorted.length == 0) {
      return OptionalDouble.empty();
    }
    int middle = sorted.length / 2;
    return OptionalDouble.of(
        sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2);
  }
}
