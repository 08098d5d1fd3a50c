package dev.coxswain.demo;

import dev.coxswain.error.InvalidDataException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which features stand for a word, and on which words their steering is measured.
 *
 * <p>The candidates are the features whose explanation has the word. Of them those are taken that
 * write most in the word's direction: the cosine of the decoder's row with the word's row of the
 * vocabulary; where they are too few, features follow that lack the word and write most in its
 * direction. (The score alone prefers features that are about nothing else, however little the word
 * is in them.) Of all words of these features, those are measured that the features together write
 * most: the cosine of a word's row with the mean of the decoder's rows. Nothing here looks at the
 * text on which steering is measured.
 *
 * @param features best first
 * @param words the word, then the others, best first
 */
record FeatureChoice(List<Integer> features, List<String> words) {
  private static final int WORDS = 8;

  /** Cosines between what features write and what words look like; −1 to 1. */
  interface Directions {
    double cosine(String word, List<Integer> features);
  }

  /**
   * @param most features to take
   * @throws InvalidDataException where no feature has the word
   */
  static FeatureChoice of(String word, Explained explained, Directions directions, int most) {
    boolean[] has = new boolean[explained.features().size()];
    double[] cosines = new double[has.length];
    boolean any = false;
    for (int f = 0; f < has.length; f++) {
      has[f] = explained.rank(f, word) >= 0;
      cosines[f] = directions.cosine(word, List.of(f));
      any |= has[f];
    }
    if (!any) {
      throw new InvalidDataException(
          "no feature is explained by '"
              + word
              + "'; words that features do have, and that look like it: "
              + String.join(", ", NearWords.of(word, used(explained))));
    }
    List<Integer> features =
        IntStream.range(0, has.length)
            .boxed()
            .sorted(
                Comparator.comparing((Integer f) -> !has[f])
                    .thenComparingDouble(f -> -cosines[f])
                    .thenComparingInt(f -> f))
            .limit(most)
            .toList();
    return new FeatureChoice(features, words(word, features, explained, directions));
  }

  private static List<String> words(
      String word, List<Integer> features, Explained explained, Directions directions) {
    List<String> words = new ArrayList<>(List.of(word));
    features.stream()
        .flatMap(feature -> explained.features().get(feature).stream())
        .map(Explained.Word::text)
        .distinct()
        .filter(other -> !other.equals(word))
        .sorted(
            Comparator.comparingDouble((String other) -> -directions.cosine(other, features))
                .thenComparing(other -> other))
        .limit(WORDS - 1)
        .forEach(words::add);
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
