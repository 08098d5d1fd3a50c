package dev.coxswain.explain;

import dev.coxswain.backend.Backend;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.Harvest;
import dev.coxswain.sae.SparseAutoencoder;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;

/**
 * How good explanations are, whoever made them, measured on a harvest.
 *
 * <p><b>Lift</b> of a feature: how much more often its words stand within ±24 tokens of its 20
 * strongest activations (inside their documents, BOS and massive rows aside, every token counted
 * once) than anywhere in the harvest. {@code Diversity}, {@code Lexical} and {@code Dominate} are
 * the paper's; the vocabulary they refer to is the harvest's whole words with enough occurrences.
 *
 * @param features explained
 * @param silentFeatures of them: not active anywhere in the harvest, so without lift
 * @param wordlessFeatures of them: active, but none of their words stands in the harvest
 * @param lifts of the remaining features, by feature
 * @param liftMedian of those
 * @param liftRandomWords the same median for as many random words a feature, the yardstick
 * @param seed of the random words
 * @param vocabulary words of the harvest that count
 * @param diversity share of non-superficial words used by some feature
 * @param lexical share of superficial words (the 250 most frequent, or under 4 letters) used
 * @param dominate share of used words that stand in over a tenth of the explanations
 */
public record ExplanationEvaluation(
    int features,
    int silentFeatures,
    int wordlessFeatures,
    Map<Integer, Double> lifts,
    OptionalDouble liftMedian,
    OptionalDouble liftRandomWords,
    long seed,
    int vocabulary,
    double diversity,
    double lexical,
    double dominate) {
  private static final int SUPERFICIAL_RANKS = 250;
  private static final int SUPERFICIAL_LETTERS = 4;
  private static final double DOMINANT_SHARE = 0.1;

  public ExplanationEvaluation {
    lifts = Collections.unmodifiableMap(lifts);
  }

  /**
   * @param minCount occurrences that make a word of the harvest count
   * @param progress receives the rows done
   * @throws InvalidDataException where an explained feature is none of the SAE's
   */
  public static ExplanationEvaluation run(
      Backend backend,
      SparseAutoencoder sae,
      List<Explanation> explanations,
      Harvest harvest,
      int minCount,
      long seed,
      LongConsumer progress) {
    for (Explanation explanation : explanations) {
      if (explanation.feature() >= sae.features()) {
        throw new InvalidDataException(
            "feature "
                + explanation.feature()
                + " is explained, but the SAE has features 0 to "
                + (sae.features() - 1));
      }
    }
    StrongestRows strongest = StrongestRows.of(backend, sae, harvest, progress);
    WordCounts counts = WordCounts.of(harvest);
    List<String> vocabulary = counts.atLeast(minCount);
    Map<Integer, Set<String>> words = wordsOf(explanations);
    Map<Integer, Set<String>> random = randomWords(words, vocabulary, seed);
    Lift lift = new Lift(harvest, strongest, counts);
    Map<Integer, Double> lifts = lift.of(words);
    int silent = (int) words.keySet().stream().filter(f -> !strongest.isActive(f)).count();
    Set<String> used = new HashSet<>();
    words.values().forEach(used::addAll);
    Set<String> superficial = superficial(counts, vocabulary);
    Set<String> substantial = new HashSet<>(vocabulary);
    substantial.removeAll(superficial);
    return new ExplanationEvaluation(
        explanations.size(),
        silent,
        explanations.size() - silent - lifts.size(),
        lifts,
        Lift.median(lifts),
        Lift.median(lift.of(random)),
        seed,
        vocabulary.size(),
        share(substantial, used),
        share(superficial, used),
        dominate(words, used));
  }

  private static Map<Integer, Set<String>> wordsOf(List<Explanation> explanations) {
    return explanations.stream()
        .collect(
            Collectors.toMap(
                Explanation::feature,
                explanation ->
                    explanation.words().stream()
                        .map(word -> word.word().toLowerCase(java.util.Locale.ROOT))
                        .collect(Collectors.toSet()),
                (one, other) -> one,
                java.util.TreeMap::new));
  }

  /** As many a feature as it has words, each of the vocabulary equally likely. */
  private static Map<Integer, Set<String>> randomWords(
      Map<Integer, Set<String>> words, List<String> vocabulary, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<Integer, Set<String>> drawn = new java.util.TreeMap<>();
    words.forEach(
        (feature, own) -> {
          Set<String> mine = new HashSet<>();
          while (mine.size() < Math.min(own.size(), vocabulary.size())) {
            mine.add(vocabulary.get(random.nextInt(vocabulary.size())));
          }
          drawn.put(feature, mine);
        });
    return drawn;
  }

  private static Set<String> superficial(WordCounts counts, List<String> vocabulary) {
    Set<String> superficial = new HashSet<>();
    for (int rank = 0; rank < vocabulary.size(); rank++) {
      String word = vocabulary.get(rank);
      if (rank < SUPERFICIAL_RANKS || word.codePointCount(0, word.length()) < SUPERFICIAL_LETTERS) {
        superficial.add(word);
      }
    }
    return superficial;
  }

  /** Of these words, how many are used; 0 of none. */
  private static double share(Set<String> words, Set<String> used) {
    return words.isEmpty()
        ? 0
        : (double) words.stream().filter(used::contains).count() / words.size();
  }

  private static double dominate(Map<Integer, Set<String>> words, Set<String> used) {
    Map<String, Long> explanationsWith =
        words.values().stream()
            .flatMap(Set::stream)
            .collect(Collectors.groupingBy(word -> word, Collectors.counting()));
    long dominant =
        explanationsWith.values().stream()
            .filter(count -> count > DOMINANT_SHARE * words.size())
            .count();
    return used.isEmpty() ? 0 : (double) dominant / used.size();
  }
}
