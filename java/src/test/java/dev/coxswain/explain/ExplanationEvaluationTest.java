package dev.coxswain.explain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.contract.Backends;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.Harvest;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.testing.Harvests;
import dev.coxswain.testing.Seeds;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("contract")
class ExplanationEvaluationTest {
  private static final long SEED = Seeds.next("ExplanationEvaluationTest");
  private static final int D = 5;

  @TempDir Path folder;

  private final List<String> words = new ArrayList<>();
  private final List<Long> documents = new ArrayList<>();
  private final List<Integer> positions = new ArrayList<>();
  private final List<float[]> states = new ArrayList<>();

  /** Feature f is active near words of topic f; the last one is never active. */
  private Harvest harvest() {
    SplittableRandom random = new SplittableRandom(SEED);
    Harvests harvests = new Harvests(D);
    for (long document = 0; document < 12; document++) {
      int topic = random.nextInt(D - 1);
      int length = 80 + random.nextInt(150);
      for (int i = 0; i < length; i++) {
        boolean onTopic = random.nextInt(3) == 0;
        String word = onTopic ? topicWord(topic, random.nextInt(4)) : common(random.nextInt(40));
        float[] state = new float[D];
        for (int f = 0; f < D; f++) {
          boolean active = f < D - 1 && f == topic && random.nextInt(3) == 0;
          state[f] = active ? 1 + (float) random.nextDouble() * 3 : -1;
        }
        words.add(word);
        documents.add(document);
        positions.add(i);
        states.add(state);
        harvests.row(document, i, " " + word, state);
      }
    }
    return harvests.write(folder.resolve("harvest"));
  }

  private static String topicWord(int topic, int number) {
    return "topic" + "abcd".charAt(topic) + "wxyz".charAt(number);
  }

  private static String common(int number) {
    return "common" + (char) ('a' + number % 26) + (char) ('a' + number / 26);
  }

  private static List<Explanation> explanations() {
    List<Explanation> explanations = new ArrayList<>();
    for (int f = 0; f < D; f++) {
      List<ExplainedWord> mine = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        mine.add(new ExplainedWord(topicWord(f % 4, i), 1, 1, 0));
      }
      explanations.add(new Explanation(f, mine));
    }
    return explanations;
  }

  private double bruteLift(int feature, Set<String> mine) {
    List<Integer> active = new ArrayList<>();
    for (int i = 0; i < words.size(); i++) {
      if (states.get(i)[feature] > 0 && positions.get(i) > 0) {
        active.add(i);
      }
    }
    active.sort(Comparator.comparingDouble(i -> -states.get(i)[feature]));
    Set<Integer> near = new HashSet<>();
    for (int row : active.subList(0, Math.min(20, active.size()))) {
      for (int i = row - 24; i <= row + 24; i++) {
        if (i >= 0 && i < words.size() && documents.get(i).equals(documents.get(row))) {
          near.add(i);
        }
      }
    }
    double here = near.stream().filter(i -> mine.contains(words.get(i))).count();
    double anywhere = words.stream().filter(mine::contains).count();
    return here / near.size() / (anywhere / words.size());
  }

  @Test
  void shouldMeasureLiftAsItIsDefined() {
    try (Harvest harvest = harvest();
        SparseAutoencoder sae = ContextsTest.identity(D);
        Backend backend = Backends.open()) {
      ExplanationEvaluation quality =
          ExplanationEvaluation.run(backend, sae, explanations(), harvest, 1, SEED, done -> {});
      List<Double> lifts = new ArrayList<>();
      for (int f = 0; f < D - 1; f++) {
        Set<String> mine = Set.of(topicWord(f, 0), topicWord(f, 1), topicWord(f, 2));
        if (quality.lifts().containsKey(f)) {
          double expected = bruteLift(f, mine);
          assertEquals(expected, quality.lifts().get(f), 1e-12);
          lifts.add(expected);
        }
      }
      double[] sorted = lifts.stream().mapToDouble(Double::doubleValue).sorted().toArray();
      int half = sorted.length / 2;
      double median = sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
      assertEquals(median, quality.liftMedian().orElseThrow(), 1e-12);
      assertTrue(quality.liftMedian().orElseThrow() > quality.liftRandomWords().orElseThrow());
      assertTrue(quality.silentFeatures() >= 1);
      assertEquals(
          D, quality.silentFeatures() + quality.wordlessFeatures() + quality.lifts().size());
    }
  }

  @Test
  void shouldGiveTheSameFiguresForTheSameSeed() {
    try (Harvest harvest = harvest();
        SparseAutoencoder sae = ContextsTest.identity(D);
        Backend one = Backends.open();
        Backend two = Backends.open()) {
      assertEquals(
          ExplanationEvaluation.run(one, sae, explanations(), harvest, 1, 7, done -> {}),
          ExplanationEvaluation.run(two, sae, explanations(), harvest, 1, 7, done -> {}));
    }
  }

  @Test
  void shouldCountUsedSuperficialAndDominantWords() {
    Harvests harvests = new Harvests(D);
    List<String> text = new ArrayList<>();
    for (int i = 0; i < 300; i++) { // ranks 0 to 299, the first more frequent
      String word = "word" + (char) ('a' + i % 26) + (char) ('a' + i / 26);
      text.addAll(java.util.Collections.nCopies(302 - i, word));
    }
    text.addAll(List.of("abc", "abc"));
    int position = 1;
    for (String word : text) {
      harvests.row(0, position++, " " + word, 1, -1, -1, -1, -1);
    }
    // 51 substantial words (ranks 250 to 299 and none shorter), 251 superficial with abc
    List<Explanation> explained =
        List.of(
            explanation(0, "wordal", "wordbl", "WORDBL"), // ranks 286, 287
            explanation(1, "wordal", "wordaa"), // 286 and 0
            explanation(2, "abc", "nowhere"));
    try (Harvest harvest = harvests.write(folder.resolve("many"));
        SparseAutoencoder sae = ContextsTest.identity(D);
        Backend backend = Backends.open()) {
      ExplanationEvaluation quality =
          ExplanationEvaluation.run(backend, sae, explained, harvest, 2, 1, done -> {});
      assertEquals(301, quality.vocabulary());
      assertEquals(2.0 / 50, quality.diversity(), 1e-12);
      assertEquals(2.0 / 251, quality.lexical(), 1e-12);
      assertEquals(5.0 / 5, quality.dominate(), 1e-12); // each in a third or more of three
      assertEquals(2, quality.silentFeatures());
    }
  }

  private static Explanation explanation(int feature, String... words) {
    return new Explanation(
        feature, Arrays.stream(words).map(w -> new ExplainedWord(w, 0, 0, 0)).toList());
  }

  @Test
  void shouldRefuseAFeatureThatTheSaeHasNot() {
    try (Harvest harvest = harvest();
        SparseAutoencoder sae = ContextsTest.identity(D);
        Backend backend = Backends.open()) {
      assertEquals(
          "feature 5 is explained, but the SAE has features 0 to 4",
          assertThrows(
                  InvalidDataException.class,
                  () ->
                      ExplanationEvaluation.run(
                          backend, sae, List.of(explanation(5, "a")), harvest, 1, 1, done -> {}))
              .getMessage());
    }
  }
}
