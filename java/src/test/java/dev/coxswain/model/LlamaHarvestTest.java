package dev.coxswain.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.Device;
import dev.coxswain.io.Harvest;
import dev.coxswain.io.SafetensorsFile;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hidden states and word vectors from a real model. */
class LlamaHarvestTest {
  private static final String SENTENCE = "The word is school";

  @TempDir static Path folder;
  private static LlamaProcess model;
  private static Path documents;

  @BeforeAll
  static void startModel() throws IOException {
    model = LlamaProcess.start(RealModel.file(), Device.CPU, 2);
    documents = folder.resolve("documents.jsonl");
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 30; i++) {
      lines.append("{\"text\":\"Document ").append(i).append(" of the house.\"}\n");
    }
    lines.append("{\"text\":\"").append("A long story about rivers. ".repeat(180)).append("\"}\n");
    lines.append("\"").append(SENTENCE).append("\"\n");
    Files.writeString(documents, lines);
  }

  @AfterAll
  static void endModel() {
    if (model != null) {
      model.close();
    }
  }

  @Test
  void shouldHarvestEveryTokenInTheOrderOfTheText() {
    try (Harvest harvest = harvest(documents, OptionalLong.empty())) {
      int rows = (int) harvest.rows();
      StringBuilder text = new StringBuilder();
      for (int token : harvest.tokens(0, rows)) {
        text.append(harvest.pieces().get(token));
      }
      assertTrue(text.toString().startsWith("Document 0 of the house.Document 1"), text.toString());
      assertTrue(text.toString().endsWith("rivers. " + SENTENCE), text.toString());
      long[] numbers = harvest.documents(0, rows);
      int[] positions = harvest.positions(0, rows);
      assertEquals(31, numbers[rows - 1]);
      for (int i = 1; i < rows; i++) {
        assertTrue(numbers[i] == numbers[i - 1] || numbers[i] == numbers[i - 1] + 1, "row " + i);
        boolean continues = positions[i] == positions[i - 1] + 1;
        assertTrue(positions[i] == 0 || continues, "row " + i);
        assertTrue(positions[i] < 512, "row " + i);
        assertEquals(continues, numbers[i] == numbers[i - 1] && positions[i] != 0, "row " + i);
      }
      assertEquals(RealModel.LAYER, harvest.layer());
      assertEquals(RealModel.WIDTH, harvest.width());
      assertEquals(ModelFile.sha256(RealModel.file()), harvest.modelSha256());
    }
  }

  @Test
  void shouldHarvestTheSameBitsEveryTime() {
    float[] first;
    try (Harvest harvest = harvest(documents, OptionalLong.empty())) {
      first = read(harvest, 0, (int) harvest.rows());
    }
    try (Harvest harvest = harvest(documents, OptionalLong.empty())) {
      assertArrayEquals(first, read(harvest, 0, (int) harvest.rows()));
    }
  }

  @Test
  void shouldStopAtTheTokensAskedFor() {
    try (Harvest harvest = harvest(documents, OptionalLong.of(601))) {
      assertEquals(601, harvest.rows());
    }
  }

  @Test
  void shouldTakeATemplateWordsRowFromItsLastToken() throws IOException {
    Path out = folder.resolve("v.safetensors");
    VocabularyRequest.Result result =
        model.vocabulary(
            new VocabularyRequest(
                VocabularyRequest.Source.TEMPLATE,
                RealModel.LAYER,
                List.of("school", "war", "church"),
                out));
    assertEquals(new VocabularyRequest.Result(3, 0), result);
    assertEquals(
        List.of("school", "war", "church"), Files.readAllLines(folder.resolve("v.words.txt")));
    try (SafetensorsFile file = SafetensorsFile.open(out);
        HostTensor e = file.readFloats("e")) {
      float[] rows = e.toFloats();
      double norm = 0;
      for (int i = 0; i < RealModel.WIDTH; i++) {
        norm += rows[i] * rows[i];
      }
      assertEquals(20, Math.sqrt(norm), 1e-3);
    }
    // "school" less the mean of three words points where the harvest's state does.
    float[] state;
    try (Harvest harvest = harvest(documents, OptionalLong.empty())) {
      state = read(harvest, (int) harvest.rows() - 1, (int) harvest.rows());
    }
    assertTrue(cosineWithFirstRow(out, state) > 0.1);
  }

  @Test
  void shouldTakeUnembeddingRowsFromTheFile() throws IOException {
    Path out = folder.resolve("u.safetensors");
    VocabularyRequest.Result result =
        model.vocabulary(
            new VocabularyRequest(
                VocabularyRequest.Source.UNEMBEDDING, 0, List.of("school", "war"), out));
    assertEquals(2, result.words());
    try (SafetensorsFile file = SafetensorsFile.open(out)) {
      assertTrue(file.tensors().get("e").shape().is(2, RealModel.WIDTH));
      assertTrue(file.tensors().get("g").shape().is(RealModel.WIDTH));
    }
  }

  private static double cosineWithFirstRow(Path vocabulary, float[] state) {
    try (SafetensorsFile file = SafetensorsFile.open(vocabulary);
        HostTensor e = file.readFloats("e")) {
      double dot = 0;
      double a = 0;
      double b = 0;
      for (int i = 0; i < RealModel.WIDTH; i++) {
        dot += e.getFloat(i) * state[i];
        a += e.getFloat(i) * e.getFloat(i);
        b += state[i] * state[i];
      }
      return dot / Math.sqrt(a * b);
    }
  }

  private static Harvest harvest(Path text, OptionalLong most) {
    Path out = folder.resolve("harvest");
    HarvestRequest.Result result =
        model.harvest(
            new HarvestRequest(RealModel.LAYER, List.of(text), out, most, 512), progress -> {});
    Harvest harvest = Harvest.open(out);
    assertEquals(result.rows(), harvest.rows());
    return harvest;
  }

  private static float[] read(Harvest harvest, int from, int to) {
    try (HostTensor rows = HostTensor.allocate(DType.F32, to - from, RealModel.WIDTH)) {
      harvest.rowSource().readFloats(from, to, rows.view());
      return rows.toFloats();
    }
  }
}
