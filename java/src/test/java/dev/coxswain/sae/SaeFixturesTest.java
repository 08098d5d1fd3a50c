package dev.coxswain.sae;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.Json;
import dev.coxswain.io.SafetensorsFile;
import dev.coxswain.reference.SaeReference;
import dev.coxswain.reference.SaeReference.Active;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.testing.Fixtures;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every SAE that the field's own tools wrote, against what those tools compute. */
class SaeFixturesTest {
  private static final double FLOAT32_TOLERANCE = 1e-5;

  private static List<Path> cases() throws Exception {
    try (Stream<Path> folders = Files.list(Fixtures.folder())) {
      return folders.filter(folder -> Files.exists(folder.resolve("case.json"))).sorted().toList();
    }
  }

  @TestFactory
  List<DynamicTest> shouldComputeWhatTheToolComputesOrRefuse() throws Exception {
    List<DynamicTest> tests = new ArrayList<>();
    for (Path folder : cases()) {
      JsonNode about = Json.read(folder.resolve("case.json"));
      String name = about.get("reader").asText() + " " + folder.getFileName();
      tests.add(DynamicTest.dynamicTest(name, () -> judge(folder, about)));
    }
    assertFalse(tests.isEmpty());
    return tests;
  }

  private static void judge(Path folder, JsonNode about) {
    Path path = folder.resolve(about.get("sae").asText());
    switch (about.get("reader").asText()) {
      case "accept" -> compare(path, OptionalDouble.empty(), folder, about);
      case "refuse" -> assertRefused(path);
      case "refuse-or-exact" -> {
        // Either is right; which of the two this reader does is pinned by its own tests.
        try (SparseAutoencoder sae = SaeReader.read(path)) {
          compare(sae, folder, about, "expected.safetensors");
        } catch (InvalidDataException e) {
          assertRefused(path);
        }
      }
      case "refuse-without-factor" -> {
        assertRefused(path);
        double factor = about.get("norm_scaling_factor").asDouble();
        compare(path, OptionalDouble.of(factor), folder, about);
      }
      default -> throw new AssertionError("unknown kind of case");
    }
  }

  private static void assertRefused(Path path) {
    InvalidDataException error =
        assertThrows(InvalidDataException.class, () -> SaeReader.read(path).close());
    assertTrue(error.getMessage().startsWith(path + ": "), error.getMessage());
    assertEquals(1, error.getMessage().lines().count(), error.getMessage());
  }

  private static void compare(Path path, OptionalDouble factor, Path folder, JsonNode about) {
    boolean stored16 = about.has("expected_float32");
    try (SparseAutoencoder sae = SaeReader.read(path, factor)) {
      compare(
          sae, folder, about, stored16 ? "expected_float32.safetensors" : "expected.safetensors");
      if (stored16) {
        compareLoosely(sae, folder, about);
      }
    }
  }

  private static void compare(
      SparseAutoencoder sae, Path folder, JsonNode about, String expectedFile) {
    SaeReference reference = new SaeReference(sae);
    double tolerance = Math.min(FLOAT32_TOLERANCE, about.get("tolerance").get("values").asDouble());
    Expected expected = Expected.read(folder.resolve(expectedFile));
    float[][] rows = rows(folder.resolve("x.safetensors"), "x");
    EngineCodec.Result engine = EngineCodec.run(sae, rows);
    assertEquals(about.get("nan_rows").size(), engine.report().unnormalizableRows());
    for (int i = 0; i < rows.length; i++) {
      List<Active> active = reference.encode(rows[i]);
      if (isNanRow(about, i)) {
        assertEquals(List.of(), active, "row " + i + " can't be normalised");
        assertEquals(List.of(), engine.active().get(i), "row " + i + " can't be normalised");
        assertArrayEquals(new double[sae.width()], engine.reconstruction()[i]);
        continue;
      }
      double[] xHat = reference.decode(rows[i], active);
      compareRow("reference, row " + i, expected, i, active, xHat, tolerance);
      double[] engineRow = engine.reconstruction()[i];
      compareRow("engine, row " + i, expected, i, engine.active().get(i), engineRow, tolerance);
    }
  }

  private static void compareRow(
      String what,
      Expected expected,
      int row,
      List<Active> active,
      double[] xHat,
      double tolerance) {
    assertEquals(expected.indices(row), active.stream().map(Active::index).toList(), what);
    compareValues(what, expected.values(row), active, tolerance);
    compareReconstruction(what, expected.reconstruction[row], xHat, tolerance);
  }

  private static void compareValues(
      String what, float[] expected, List<Active> active, double tolerance) {
    for (int place = 0; place < active.size(); place++) {
      assertEquals(
          expected[place], active.get(place).value(), tolerance * Math.abs(expected[0]), what);
    }
  }

  private static void compareReconstruction(
      String what, float[] expected, double[] computed, double tolerance) {
    double difference = 0;
    double norm = 0;
    for (int e = 0; e < expected.length; e++) {
      difference += Math.pow(expected[e] - computed[e], 2);
      norm += Math.pow(expected[e], 2);
    }
    assertTrue(Math.sqrt(difference) <= tolerance * Math.sqrt(norm), what);
  }

  /** Against the tool's own 16-bit arithmetic: feature by feature. */
  private static void compareLoosely(SparseAutoencoder sae, Path folder, JsonNode about) {
    SaeReference reference = new SaeReference(sae);
    double tolerance = about.get("tolerance").get("values").asDouble();
    Expected expected = Expected.read(folder.resolve("expected.safetensors"));
    float[][] rows = rows(folder.resolve("x.safetensors"), "x");
    for (int i = 0; i < rows.length; i++) {
      Map<Integer, Double> computed = new HashMap<>();
      reference.encode(rows[i]).forEach(active -> computed.put(active.index(), active.value()));
      float[] values = expected.values(i);
      List<Integer> indices = expected.indices(i);
      for (int place = 0; place < indices.size(); place++) {
        assertEquals(
            values[place],
            computed.getOrDefault(indices.get(place), 0.0),
            tolerance * values[0],
            "row " + i);
      }
    }
  }

  private static boolean isNanRow(JsonNode about, int row) {
    for (JsonNode nanRow : about.get("nan_rows")) {
      if (nanRow.asInt() == row) {
        return true;
      }
    }
    return false;
  }

  private static float[][] rows(Path path, String name) {
    try (SafetensorsFile file = SafetensorsFile.open(path);
        HostTensor tensor = file.readFloats(name)) {
      int n = (int) tensor.shape().extent(0);
      int d = (int) tensor.shape().extent(1);
      float[] all = tensor.toFloats();
      float[][] rows = new float[n][];
      for (int i = 0; i < n; i++) {
        rows[i] = Arrays.copyOfRange(all, i * d, (i + 1) * d);
      }
      return rows;
    }
  }

  /** What the tool computed. */
  private record Expected(float[][] places, int[] places32, float[][] reconstruction) {
    static Expected read(Path path) {
      try (SafetensorsFile file = SafetensorsFile.open(path);
          HostTensor indices = file.read("indices")) {
        return new Expected(rows(path, "values"), indices.toInts(), rows(path, "reconstruction"));
      }
    }

    float[] values(int row) {
      return places[row];
    }

    /** Without the padding. */
    List<Integer> indices(int row) {
      int width = places[row].length;
      return Arrays.stream(places32, row * width, (row + 1) * width)
          .filter(index -> index >= 0)
          .boxed()
          .toList();
    }
  }

  @TestFactory
  List<DynamicTest> shouldSayOfEveryCaseWhatItsToolSays() throws Exception {
    List<DynamicTest> tests = new ArrayList<>();
    for (Path folder : cases()) {
      JsonNode about = Json.read(folder.resolve("case.json"));
      tests.add(DynamicTest.dynamicTest(folder.getFileName().toString(), () -> say(folder, about)));
    }
    return tests;
  }

  private static void say(Path folder, JsonNode about) {
    Map<String, Object> said = SaeInspector.inspect(folder.resolve(about.get("sae").asText()));
    assertEquals(about.get("format").asText(), said.get("format"));
    assertEquals(about.get("architecture").asText(), said.get("architecture"));
    assertEquals(about.get("d_in").asInt(), said.get("d_model"));
    assertEquals(about.get("d_sae").asInt(), said.get("n_features"));
    assertEquals(about.get("k").isNull() ? null : about.get("k").asInt(), said.get("k"));
    assertEquals(about.get("apply_b_dec_to_input").asBoolean(), said.get("apply_b_dec_to_input"));
    if (!about.get("format").asText().equals("llama-scope")) {
      assertEquals(about.get("dtype").asText(), said.get("dtype"));
    }
    boolean mustBeRefused = about.get("reader").asText().equals("refuse");
    assertTrue(said.containsKey("unsupported") || !mustBeRefused);
  }

  @Test
  void shouldFoldTheFactorOfACheckpoint() throws Exception {
    int compared = 0;
    for (Path folder : cases()) {
      if (Files.exists(folder.resolve("expected_checkpoint.safetensors"))) {
        JsonNode about = Json.read(folder.resolve("case.json"));
        try (SparseAutoencoder sae = SaeReader.read(folder.resolve("checkpoint"))) {
          compare(sae, folder, about, "expected_checkpoint.safetensors");
          compared++;
        }
      }
    }
    assertTrue(compared > 0);
  }

  @Test
  void shouldRefuseCheckpointsOfArchitecturesThatExistOnlyInTraining() throws Exception {
    for (Path folder : cases()) {
      JsonNode about = Json.read(folder.resolve("case.json"));
      if (about.path("checkpoint_reader").asText().equals("refuse")) {
        assertRefused(folder.resolve(about.get("checkpoint").asText()));
      }
    }
  }

  @Test
  void shouldRefuseANormFactorThatIsNotNeeded() {
    Path path = Fixtures.folder().resolve("saelens-topk/sae");
    UsageException error =
        assertThrows(
            UsageException.class, () -> SaeReader.read(path, OptionalDouble.of(2)).close());
    assertEquals(
        "a norm factor is given, but normalize_activations of "
            + path
            + " is not expected_average_only_in",
        error.getMessage());
  }
}
