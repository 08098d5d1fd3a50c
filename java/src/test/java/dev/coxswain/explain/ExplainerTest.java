package dev.coxswain.explain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.backend.contract.Backends;
import dev.coxswain.error.CoxswainException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.JsonLines;
import dev.coxswain.reference.ExplainReference;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Saes;
import dev.coxswain.testing.Seeds;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("contract")
class ExplainerTest {
  private static final long SEED = Seeds.next("ExplainerTest");
  private static final Inputs.Arrays ARRAYS = Inputs.rowsNotMultipleOfTile.draw(SEED);
  private static final int WORDS = 150;

  private static Backend backend;
  private static SparseAutoencoder sae;
  private static float[] embeddings;
  private static float[] finalNorm;
  private static Vocabulary vocabulary;

  @TempDir Path folder;

  @BeforeAll
  static void open() {
    backend = Backends.open();
    sae = Saes.topK(ARRAYS).build();
    embeddings = Inputs.fill(new SplittableRandom(SEED), WORDS * ARRAYS.d(), 0.3f);
    finalNorm = Inputs.fill(new SplittableRandom(SEED + 1), ARRAYS.d(), 2f);
    vocabulary = vocabulary(embeddings, Optional.of(finalNorm));
  }

  private static Vocabulary vocabulary(float[] rows, Optional<float[]> g) {
    List<String> words = new ArrayList<>();
    for (int w = 0; w < rows.length / ARRAYS.d(); w++) {
      words.add("w" + w);
    }
    return new Vocabulary(
        words,
        HostTensor.ofFloats(Shape.of(words.size(), ARRAYS.d()), rows),
        g.map(values -> HostTensor.ofFloats(Shape.of(ARRAYS.d()), values)));
  }

  @AfterAll
  static void close() {
    vocabulary.close();
    sae.close();
    backend.close();
  }

  private static ExplainSettings settings(
      ExplainOptions.Objective objective, ExplainSettings.Directions directions) {
    return new ExplainSettings(objective, 6, 0.7f, 2f, directions);
  }

  private static void assertExplains(ExplainSettings settings, float[] directions) {
    ExplainReference reference =
        new ExplainReference(
            ExplainReference.canonicalLogits(directions, embeddings, ARRAYS.d()),
            new ExplainOptions(settings.objective(), 0.7f, 2f, ARRAYS.features()));
    List<Explanation> explained = new Explainer(backend).explain(sae, vocabulary, settings);
    assertEquals(ARRAYS.features(), explained.size());
    for (int c = 0; c < explained.size(); c++) {
      assertEquals(c, explained.get(c).feature());
      List<Integer> best = reference.best(c, 6);
      for (int i = 0; i < 6; i++) {
        ExplainedWord word = explained.get(c).words().get(i);
        assertEquals(reference.score(c, best.get(i)), word.score(), 1e-12);
        int index = Integer.parseInt(word.word().substring(1));
        assertEquals(reference.score(c, index), word.score(), 1e-12);
        assertEquals(reference.wordGivenFeature(c, index), word.wordGivenFeature(), 1e-12);
        assertEquals(reference.logFeatureGivenWord(c, index), word.logFeatureGivenWord(), 1e-12);
      }
    }
  }

  @Test
  void shouldExplainDecoderRowsByBothObjectives() {
    for (ExplainOptions.Objective objective : ExplainOptions.Objective.values()) {
      assertExplains(settings(objective, ExplainSettings.Directions.DECODER), ARRAYS.wDec());
    }
  }

  @Test
  void shouldPassFeaturesThroughTheFinalNormWhereAsked() {
    int d = ARRAYS.d();
    float[] passed = new float[ARRAYS.wDec().length];
    for (int c = 0; c < ARRAYS.features(); c++) {
      double square = 0;
      for (int e = 0; e < d; e++) {
        square += Math.pow(ARRAYS.wDec()[c * d + e], 2);
      }
      for (int e = 0; e < d; e++) {
        double value = (double) ARRAYS.wDec()[c * d + e] * finalNorm[e];
        passed[c * d + e] = (float) (value * (Math.sqrt(d) / Math.sqrt(square)));
      }
    }
    assertExplains(
        settings(ExplainOptions.Objective.MI, ExplainSettings.Directions.FINAL_NORM), passed);
  }

  @Test
  void shouldGiveTheSameExplanationsHoweverFeaturesAreCutIntoShards() {
    List<Explanation> whole =
        new Explainer(backend).explain(sae, vocabulary, ExplainSettings.DEFAULT);
    List<Long> progress = new ArrayList<>();
    List<Explanation> parts = new ArrayList<>();
    new Explainer(backend, 128)
        .explain(sae, vocabulary, ExplainSettings.DEFAULT, progress::add, parts::add);
    assertEquals(whole, parts);
    List<Long> shardEndsOfBothPasses = new ArrayList<>();
    for (long done = 0; done < 2L * ARRAYS.features(); done += ARRAYS.features()) {
      for (long from = 0; from < ARRAYS.features(); from += 128) {
        shardEndsOfBothPasses.add(done + Math.min(from + 128, ARRAYS.features()));
      }
    }
    assertEquals(shardEndsOfBothPasses, progress);
  }

  @Test
  void shouldReadBackTheLinesItWrites() throws Exception {
    Path file = folder.resolve("e.jsonl");
    List<Explanation> explained =
        new Explainer(backend).explain(sae, vocabulary, ExplainSettings.DEFAULT.withTop(2));
    try (JsonLines.Writer lines = JsonLines.create(file)) {
      explained.forEach(lines::write);
      lines.commit();
    }
    assertEquals(explained, Explanation.readAll(file));
    String first = Files.readString(file).lines().findFirst().orElseThrow();
    String number = "-?[0-9.E-]+";
    String word =
        "\\{\"word\":\"w\\d+\",\"score\":N,\"p_w_given_c\":N,\"log_p_c_given_w\":N\\}"
            .replace("N", number);
    assertTrue(
        first.matches("\\{\"feature\":0,\"words\":\\[" + word + "," + word + "\\]\\}"), first);
  }

  private static void assertFails(
      Class<? extends CoxswainException> kind,
      String text,
      org.junit.jupiter.api.function.Executable work) {
    assertEquals(text, assertThrows(kind, work).getMessage());
  }

  @Test
  void shouldSayWhatDoesNotFit() {
    Explainer explainer = new Explainer(backend);
    assertFails(
        InvalidDataException.class,
        "151 words a feature are asked for, but the vocabulary has only 150",
        () -> explainer.explain(sae, vocabulary, ExplainSettings.DEFAULT.withTop(151)));
    assertFails(
        UsageException.class,
        "at least 1 word a feature is needed, not 0",
        () -> ExplainSettings.DEFAULT.withTop(0));
    assertFails(
        UsageException.class,
        "alpha = 0.0; a temperature above 0 is needed",
        () ->
            new ExplainSettings(
                ExplainOptions.Objective.MI, 1, 0, 1, ExplainSettings.Directions.DECODER));
    try (Vocabulary plain = vocabulary(embeddings, Optional.empty())) {
      assertFails(
          InvalidDataException.class,
          "the vocabulary has no tensor 'g', the final norm's weight; one made with --from"
              + " unembedding has it",
          () ->
              explainer.explain(
                  sae,
                  plain,
                  settings(ExplainOptions.Objective.MI, ExplainSettings.Directions.FINAL_NORM)));
    }
    float[] huge = embeddings.clone();
    huge[5] = 1e38f;
    try (Vocabulary large = vocabulary(huge, Optional.empty())) {
      String message =
          assertThrows(
                  InvalidDataException.class,
                  () -> explainer.explain(sae, large, ExplainSettings.DEFAULT))
              .getMessage();
      assertTrue(message.endsWith("beyond float32; scale the vocabulary down"), message);
    }
  }

  @Test
  void shouldNameTheLineOfABrokenExplanation() throws Exception {
    Path file = folder.resolve("e.jsonl");
    Files.writeString(file, "{\"feature\":1,\"words\":[]}\n{\"feature\":1,\"words\":[]}\n");
    assertFails(
        InvalidDataException.class,
        file + ", line 2: feature 1 comes after feature 1; ascending order is needed",
        () -> Explanation.readAll(file));
    Files.writeString(file, "{\"feature\":0,\"words\":[{\"word\":3}]}\n");
    assertFails(
        InvalidDataException.class,
        file + ", line 1: words[0].word is 3; a string is needed",
        () -> Explanation.readAll(file));
    Files.writeString(file, "{\"words\":[]}\n");
    assertFails(
        InvalidDataException.class,
        file + ", line 1: feature is missing; a feature's number is needed",
        () -> Explanation.readAll(file));
    Files.writeString(file, "");
    assertFails(
        InvalidDataException.class,
        file + " is empty; one explanation a line is needed",
        () -> Explanation.readAll(file));
  }
}
