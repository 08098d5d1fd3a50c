package dev.coxswain.backend.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.backend.ExplainOptions.Objective;
import dev.coxswain.backend.ExplainShard;
import dev.coxswain.backend.ExplainWords;
import dev.coxswain.reference.ExplainReference;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("contract")
class ExplainTest {
  private static final long SEED = Seeds.next("ExplainTest");

  private static Backends backends;

  @BeforeAll
  static void open() {
    backends = new Backends(1, 3);
  }

  @AfterAll
  static void close() {
    backends.close();
  }

  /** Features, words, width and temperatures of a run. */
  private enum Sizes {
    ordinary(300, 170, 70, 1, 1),
    smallest(1, 1, 1, 1, 1),
    oneWord(130, 1, 40, 1, 1),
    oneFeature(1, 300, 17, 1, 1),
    wholeBlocks(256, 128, 256, 1, 1),
    wide(70, 140, 700, 1, 1),
    temperatures(200, 129, 33, 0.5f, 3);

    private final int features;
    private final int words;
    private final int d;
    private final float alpha;
    private final float beta;

    Sizes(int features, int words, int d, float alpha, float beta) {
      this.features = features;
      this.words = words;
      this.d = d;
      this.alpha = alpha;
      this.beta = beta;
    }

    float[] draw(int rows) {
      return Inputs.fill(new SplittableRandom(SEED + rows), rows * d, 4f / (float) Math.sqrt(d));
    }

    ExplainOptions options(Objective objective) {
      return new ExplainOptions(objective, alpha, beta, features);
    }
  }

  /** Everything both passes leave, as bits. */
  private record Result(
      int[] words, double[] scores, double[] given, double[] logs, double[] rows) {
    void assertSame(Result other, String where) {
      assertArrayEquals(words, other.words, where);
      assertArrayEquals(scores, other.scores, where);
      assertArrayEquals(given, other.given, where);
      assertArrayEquals(logs, other.logs, where);
      assertArrayEquals(rows, other.rows, where);
    }
  }

  /** Both passes, shard by shard. */
  private static Result explain(
      Backend backend, float[] u, float[] e, int d, ExplainOptions options, int top, int shard) {
    int features = u.length / d;
    int words = e.length / d;
    try (HostTensor uHost = HostTensor.ofFloats(Shape.of(features, d), u);
        HostTensor eHost = HostTensor.ofFloats(Shape.of(words, d), e);
        TensorOwner uRows = backend.place(uHost.view());
        TensorOwner eRows = backend.place(eHost.view());
        TensorOwner rows = backend.allocate(DType.F64, Shape.of(features));
        TensorOwner columns = emptyColumns(backend, words);
        TensorOwner best = backend.allocate(DType.I32, Shape.of(features, top));
        TensorOwner scores = backend.allocate(DType.F64, Shape.of(features, top));
        TensorOwner given = backend.allocate(DType.F64, Shape.of(features, top));
        TensorOwner logs = backend.allocate(DType.F64, Shape.of(features, top))) {
      for (int from = 0; from < features; from += shard) {
        int to = Math.min(features, from + shard);
        backend.explainStatistics(
            new ExplainShard(uRows.view().rows(from, to), eRows.view()),
            options,
            rows.view().rows(from, to),
            columns.view());
      }
      for (int from = 0; from < features; from += shard) {
        int to = Math.min(features, from + shard);
        backend.explainTop(
            new ExplainShard(uRows.view().rows(from, to), eRows.view()),
            options,
            rows.view().rows(from, to),
            columns.view(),
            new ExplainWords(
                best.view().rows(from, to),
                scores.view().rows(from, to),
                given.view().rows(from, to),
                logs.view().rows(from, to)));
      }
      return new Result(
          Placed.ints(backend, best.view()),
          Placed.doubles(backend, scores.view()),
          Placed.doubles(backend, given.view()),
          Placed.doubles(backend, logs.view()),
          Placed.doubles(backend, rows.view()));
    }
  }

  private static TensorOwner emptyColumns(Backend backend, int words) {
    TensorOwner columns = backend.allocate(DType.F64, Shape.of(words, 2));
    try (HostTensor host = HostTensor.allocate(DType.F64, words, 2)) {
      for (long w = 0; w < words; w++) {
        HostMemory.putDouble(host.view().address() + 16 * w, Double.NEGATIVE_INFINITY);
      }
      backend.copy(host.view(), columns.view());
    }
    return columns;
  }

  @ParameterizedTest
  @EnumSource(Sizes.class)
  void shouldAgreeWithTheMaterialisedDefinitionOfBothObjectives(Sizes sizes) {
    float[] u = sizes.draw(sizes.features);
    float[] e = sizes.draw(sizes.words);
    int top = Math.min(10, sizes.words);
    for (Objective objective : Objective.values()) {
      ExplainOptions options = sizes.options(objective);
      ExplainReference reference =
          new ExplainReference(ExplainReference.canonicalLogits(u, e, sizes.d), options);
      Result result = explain(backends.subject(), u, e, sizes.d, options, top, sizes.features);
      for (int c = 0; c < sizes.features; c++) {
        List<Integer> expected = reference.best(c, top);
        for (int i = 0; i < top; i++) {
          int at = c * top + i;
          int word = result.words()[at];
          String where = objective + " feature " + c + " place " + i;
          assertEquals(reference.score(c, word), result.scores()[at], 1e-13, where);
          assertEquals(reference.wordGivenFeature(c, word), result.given()[at], 1e-13, where);
          assertEquals(reference.logFeatureGivenWord(c, word), result.logs()[at], 1e-12, where);
          if (word != expected.get(i)) { // the two differ by less than rounding
            assertEquals(reference.score(c, expected.get(i)), result.scores()[at], 1e-13, where);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Sizes.class)
  void shouldGiveTheSameBitsOnEveryBackendAndShardSplit(Sizes sizes) {
    float[] u = sizes.draw(sizes.features);
    float[] e = sizes.draw(sizes.words);
    int top = Math.min(7, sizes.words);
    ExplainOptions options = sizes.options(Objective.MI);
    Result first = explain(backends.all.get(0), u, e, sizes.d, options, top, sizes.features);
    for (Backend backend : backends.all) {
      for (int shard : new int[] {Backend.EXPLAIN_TILE, 2 * Backend.EXPLAIN_TILE, 1 << 20}) {
        Result other = explain(backend, u, e, sizes.d, options, top, shard);
        first.assertSame(other, backend.name() + " shards of " + shard);
      }
    }
  }

  @Test
  void shouldReturnLowestWordFirstWhenScoresTie() {
    int d = 50;
    int words = 400;
    float[] e = Inputs.fill(new SplittableRandom(SEED), words * d, 1f);
    for (int w = 3; w < words; w++) {
      System.arraycopy(e, (w % 3) * d, e, w * d, d);
    }
    float[] u = Inputs.fill(new SplittableRandom(SEED + 1), 140 * d, 1f);
    for (Objective objective : Objective.values()) {
      ExplainOptions options = new ExplainOptions(objective, 1, 1, 140);
      for (Backend backend : backends.all) {
        Result result = explain(backend, u, e, d, options, 9, 1 << 20);
        for (int c = 0; c < 140; c++) {
          int first = result.words()[c * 9];
          for (int i = 0; i < 9; i++) {
            assertEquals(first % 3 + 3 * i, result.words()[c * 9 + i], backend.name());
          }
        }
      }
    }
  }

  @Test
  void shouldStayFiniteWhereLogitsAreFarApart() {
    int d = 8;
    float[] u = Inputs.fill(new SplittableRandom(SEED), 200 * d, 1000f);
    float[] e = Inputs.fill(new SplittableRandom(SEED + 1), 150 * d, 1000f);
    for (Objective objective : Objective.values()) {
      ExplainOptions options = new ExplainOptions(objective, 1, 1, 200);
      Result first = explain(backends.all.get(0), u, e, d, options, 5, 128);
      for (double[] values : List.of(first.scores(), first.given(), first.logs(), first.rows())) {
        assertTrue(Arrays.stream(values).allMatch(Double::isFinite));
      }
      for (Backend backend : backends.all) {
        first.assertSame(explain(backend, u, e, d, options, 5, 256), backend.name());
      }
    }
  }

  @Test
  void shouldRecoverPlantedWordsByInformationButNotByThePublishedFormula() {
    int d = 256;
    int features = Backends.sized(2000, 260);
    int words = Backends.sized(3000, 400);
    int planted = 8;
    SplittableRandom random = new SplittableRandom(SEED);
    // With few features the largest scale leaves a feature's softmax to its best word alone.
    for (double scale : Backends.CUDA ? new double[] {6} : new double[] {1, 6, 40}) {
      float[] e = unitRows(random, words, d);
      List<Set<Integer>> chosen = new ArrayList<>();
      float[] u = plant(random, e, d, features, planted, chosen);
      for (int i = 0; i < e.length; i++) {
        e[i] *= (float) scale;
      }
      double mi = recovered(u, e, d, Objective.MI, chosen);
      double paper = recovered(u, e, d, Objective.PAPER, chosen);
      String where = "logit scale " + scale + ": mi " + mi + ", paper " + paper;
      assertTrue(mi >= 0.95, where);
      assertTrue(paper <= 0.01, where);
    }
  }

  private static double recovered(
      float[] u, float[] e, int d, Objective objective, List<Set<Integer>> chosen) {
    int top = chosen.get(0).size();
    ExplainOptions options = new ExplainOptions(objective, 1, 1, chosen.size());
    int[] words = explain(backends.subject(), u, e, d, options, top, 1 << 20).words();
    int hits = 0;
    for (int i = 0; i < words.length; i++) {
      hits += chosen.get(i / top).contains(words[i]) ? 1 : 0;
    }
    return (double) hits / words.length;
  }

  /** Each feature: the normalised mean of its words plus noise of a third of its norm. */
  private static float[] plant(
      SplittableRandom random,
      float[] e,
      int d,
      int features,
      int planted,
      List<Set<Integer>> chosen) {
    float[] u = new float[features * d];
    for (int c = 0; c < features; c++) {
      Set<Integer> mine = new HashSet<>();
      while (mine.size() < planted) {
        mine.add(random.nextInt(e.length / d));
      }
      chosen.add(mine);
      double[] mean = new double[d];
      for (int word : mine) {
        for (int i = 0; i < d; i++) {
          mean[i] += e[word * d + i];
        }
      }
      float[] noise = unitRows(random, 1, d);
      double size = norm(mean);
      for (int i = 0; i < d; i++) {
        mean[i] += 0.33 * size * noise[i];
      }
      double length = norm(mean);
      for (int i = 0; i < d; i++) {
        u[c * d + i] = (float) (mean[i] / length);
      }
    }
    return u;
  }

  private static float[] unitRows(SplittableRandom random, int rows, int d) {
    float[] values = new float[rows * d];
    for (int row = 0; row < rows; row++) {
      double[] draw = new double[d];
      for (int i = 0; i < d; i++) {
        draw[i] = gaussian(random);
      }
      double length = norm(draw);
      for (int i = 0; i < d; i++) {
        values[row * d + i] = (float) (draw[i] / length);
      }
    }
    return values;
  }

  private static double gaussian(SplittableRandom random) {
    return Math.sqrt(-2 * Math.log(1 - random.nextDouble()))
        * Math.cos(2 * Math.PI * random.nextDouble());
  }

  private static double norm(double[] values) {
    return Math.sqrt(Arrays.stream(values).map(v -> v * v).sum());
  }

  @Test
  void shouldRefuseWhatDoesNotFit() {
    float[] u = new float[2 * 4];
    float[] e = new float[3 * 4];
    ExplainOptions options = new ExplainOptions(Objective.MI, 1, 1, 2);
    assertEquals(
        "the best words are [2, 4]; [2, 1 to 3] is needed",
        assertThrows(
                IllegalArgumentException.class,
                () -> explain(backends.all.get(0), u, e, 4, options, 4, 2))
            .getMessage());
    ExplainOptions cold = new ExplainOptions(Objective.MI, 0, 1, 2);
    assertThrows(
        IllegalArgumentException.class, () -> explain(backends.all.get(0), u, e, 4, cold, 2, 2));
  }
}
