package dev.coxswain.explain;

import dev.coxswain.io.Harvest;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** How often each whole word stands in a harvest. Immutable. */
final class WordCounts {
  private final Map<String, Long> counts;

  private WordCounts(Map<String, Long> counts) {
    this.counts = counts;
  }

  static WordCounts of(Harvest harvest) {
    Map<String, Long> counts = new HashMap<>();
    HarvestWords words = new HarvestWords(harvest);
    for (Optional<HarvestWords.Occurrence> at = words.next(); at.isPresent(); at = words.next()) {
      counts.merge(at.get().word(), 1L, Long::sum);
    }
    return new WordCounts(counts);
  }

  long of(String word) {
    return counts.getOrDefault(word, 0L);
  }

  /** All words, the most frequent first, equals by their letters. */
  List<String> byFrequency() {
    return counts.entrySet().stream()
        .sorted(
            Comparator.comparing(Map.Entry<String, Long>::getValue)
                .reversed()
                .thenComparing(Map.Entry::getKey))
        .map(Map.Entry::getKey)
        .toList();
  }

  /** As {@link #byFrequency()}, those with at least so many occurrences. */
  List<String> atLeast(long least) {
    return byFrequency().stream().filter(word -> of(word) >= least).toList();
  }
}
