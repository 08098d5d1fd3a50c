package dev.coxswain.demo;

import dev.coxswain.error.InvalidDataException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Which features stand for a word, and on which words their steering is measured.
 *
 * <p>The candidates are the features whose explanation has the word. Of them those are taken that
 * write most in the word's direction: the cosine of the decoder's row with the word's row of the
 * vocabulary. (The score alone prefers features that are about nothing else, however little the
 * word is in them.) Nothing here looks at the text on which steering is measured.
 *
 * @param features best first
 * @param words the word, then those of the features' other words that score highest
 */
record FeatureChoice(List<Integer> features, List<String> words) {
  private static final int WORDS = 8;

  /**
   * @param alignment of a feature with the word; −1 to 1
   * @param most features to take
   * @throws InvalidDataException where no feature has the word
   */
  static FeatureChoice of(
      String word, Explained explained, IntToDoubleFunction alignment, int most) {
    List<Integer> features =
        IntStream.range(0, explained.features().size())
            .filter(f -> explained.rank(f, word) >= 0)
            .boxed()
            .sorted(
                Comparator.comparingDouble((Integer f) -> -alignment.applyAsDouble(f))
                    .thenComparingInt(f -> f))
            .limit(most)
            .toList();
    if (features.isEmpty()) {
      throw new InvalidDataException(
          "no feature is explained by '"
              + word
              + "'; words that features do have, and that look like it: "
              + String.join(", ", NearWords.of(word, used(explained))));
    }
    return new FeatureChoice(features, words(word, features, explained));
  }

  private static List<String> words(String word, List<Integer> features, Explained explained) {
    Map<String, Double> scores = new HashMap<>();
    for (int feature : features) {
      for (Explained.Word other : explained.features().get(feature)) {
        scores.merge(other.text(), other.score(), Double::sum);
      }
    }
    scores.remove(word);
    List<String> words = new ArrayList<>(List.of(word));
    scores.entrySet().stream()
        .sorted(
            Comparator.comparingDouble((Map.Entry<String, Double> e) -> -e.getValue())
                .thenComparing(Map.Entry::getKey))
        .limit(WORDS - 1)
        .forEach(e -> words.add(e.getKey()));
    return words;
  }

  private static Collection<String> used(Explained explained) {
    return explained.features().stream()
        .flatMap(List::stream)
        .map(Explained.Word::text)
        .distinct()
        .toList();
  }
}
