package dev.coxswain.explain;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Finds features by the words that explain them. Immutable. */
public final class FeatureIndex {
  private record Entry(Explanation explanation, double score) {}

  private final Map<String, List<Entry>> byWord = new HashMap<>();

  public FeatureIndex(List<Explanation> explanations) {
    for (Explanation explanation : explanations) {
      Map<String, Double> scores = new LinkedHashMap<>();
      for (ExplainedWord word : explanation.words()) {
        scores.merge(word.word().toLowerCase(Locale.ROOT), word.score(), Math::max);
      }
      scores.forEach(
          (word, score) ->
              byWord
                  .computeIfAbsent(word, key -> new ArrayList<>())
                  .add(new Entry(explanation, score)));
    }
  }

  /**
   * A feature found.
   *
   * @param score the sum of its scores for the words asked for
   * @param matched those words of them that it has
   */
  public record Match(Explanation explanation, double score, List<String> matched) {
    public int feature() {
      return explanation.feature();
    }
  }

  /**
   * Features that have any of the words, best first: by the sum of their scores for them, then by
   * lower feature. Case does not matter.
   */
  public List<Match> find(List<String> words) {
    Map<Integer, Match> found = new LinkedHashMap<>();
    for (String word : words.stream().map(w -> w.toLowerCase(Locale.ROOT)).distinct().toList()) {
      for (Entry entry : byWord.getOrDefault(word, List.of())) {
        found.merge(
            entry.explanation().feature(),
            new Match(entry.explanation(), entry.score(), List.of(word)),
            FeatureIndex::both);
      }
    }
    return found.values().stream()
        .sorted(
            Comparator.comparingDouble((Match match) -> -match.score())
                .thenComparingInt(Match::feature))
        .toList();
  }

  private static Match both(Match one, Match other) {
    List<String> matched = new ArrayList<>(one.matched());
    matched.addAll(other.matched());
    return new Match(one.explanation(), one.score() + other.score(), List.copyOf(matched));
  }
}
