package dev.coxswain.sae;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.coxswain.Engine;
import dev.coxswain.backend.Device;
import dev.coxswain.backend.Normalization;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.RowSource;
import dev.coxswain.io.SafetensorsFile;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.io.TensorPlace;
import dev.coxswain.reference.SaeReference.Active;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Floats;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Seeds;
import dev.coxswain.testing.SmallSae;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RowCodecTest {
  private static final long SEED = Seeds.next("RowCodecTest");
  private static Engine engine;

  @TempDir Path folder;

  @BeforeAll
  static void open() {
    engine = Engine.open(Device.CPU, 2);
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  private Path write(float[][] rows, DType dtype) {
    float[] all = new float[rows.length * SmallSae.WIDTH];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(rows[i], 0, all, i * SmallSae.WIDTH, SmallSae.WIDTH);
    }
    Path path = folder.resolve("x.safetensors");
    try (HostTensor x = Floats.tensor(dtype, all, rows.length, SmallSae.WIDTH)) {
      SafetensorsWriter.write(path, Map.of("x", x.view()), Map.of());
    }
    return path;
  }

  private static float[][] draw(int n) {
    SplittableRandom random = new SplittableRandom(SEED);
    float[][] rows = new float[n][];
    for (int i = 0; i < n; i++) {
      rows[i] = Inputs.fill(random, SmallSae.WIDTH, 2f);
    }
    return rows;
  }

  private RowEncoding.Report encode(SparseAutoencoder sae, Path x, OptionalInt maxActive) {
    try (RowSource rows = RowSource.open(List.of(x.toString()))) {
      return RowEncoding.run(
          engine.backend(), sae, rows, folder.resolve("a.safetensors"), maxActive, done -> {});
    }
  }

  private RowDecoding.Report decode(SparseAutoencoder sae) {
    return RowDecoding.run(
        engine.backend(),
        sae,
        folder.resolve("a.safetensors"),
        TensorPlace.parse(folder.resolve("y.safetensors") + ":y"),
        done -> {});
  }

  @Test
  void shouldStreamWhatOneCallComputes() {
    float[][] rows = draw(9000); // more than a block
    rows[8500] = new float[SmallSae.WIDTH]; // can't be normalised
    rows[8600][3] = Float.NaN;
    try (SparseAutoencoder topK = SmallSae.topK(SEED);
        SparseAutoencoder relu = SmallSae.relu(SEED);
        SparseAutoencoder jump = SmallSae.jumpRelu(SEED)) {
      for (SparseAutoencoder sae : List.of(topK, relu, jump)) {
        RowEncoding.Report report = encode(sae, write(rows, DType.F32), OptionalInt.empty());
        EngineCodec.Result expected = EngineCodec.run(sae, rows);
        assertEquals(9000, report.rows());
        assertEquals(1, report.nonFiniteRows());
        assertEquals(expected.report().unnormalizableRows(), report.unnormalizableRows());
        assertEquals(sae.k() > 0 ? sae.k() : expected.report().mostActive(), report.places());
        assertActive(expected.active(), report.places());
        assertEquals(9000, decode(sae).rows());
        assertReconstruction(sae, expected.reconstruction());
      }
    }
  }

  private void assertActive(List<List<Active>> expected, long places) {
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("a.safetensors"));
        HostTensor values = file.read("values");
        HostTensor indices = file.read("indices")) {
      for (int row = 0; row < expected.size(); row++) {
        List<Active> active = new ArrayList<>();
        for (long at = row * places; at < (row + 1) * places; at++) {
          if (indices.getInt(at) >= 0) {
            active.add(new Active(indices.getInt(at), values.getFloat(at)));
          }
        }
        assertEquals(expected.get(row), active, "row " + row);
      }
    }
  }

  private void assertReconstruction(SparseAutoencoder sae, double[][] expected) {
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("y.safetensors"));
        HostTensor y = file.read("y")) {
      for (int row = 0; row < expected.length; row++) {
        // Without a normalisation the file can't tell a row that was not finite from a quiet one.
        if (row != 8600 || sae.normalization() != Normalization.NONE) {
          for (int e = 0; e < SmallSae.WIDTH; e++) {
            float computed = y.getFloat((long) row * SmallSae.WIDTH + e);
            assertEquals((float) expected[row][e], computed, "row " + row);
          }
        }
      }
    }
  }

  @Test
  void shouldEncodeSixteenBitRowsAsTheirFloats() {
    try (SparseAutoencoder sae = SmallSae.topK(SEED)) {
      for (DType dtype : List.of(DType.F16, DType.BF16)) {
        float[][] rows = draw(5);
        Path x = write(rows, dtype);
        for (float[] row : rows) {
          for (int e = 0; e < row.length; e++) {
            row[e] = Floats.round(dtype, row[e]);
          }
        }
        encode(sae, x, OptionalInt.empty());
        assertActive(EngineCodec.run(sae, rows).active(), sae.k());
      }
    }
  }

  @Test
  void shouldWriteEmptyFilesForNoRows() {
    try (SparseAutoencoder topK = SmallSae.topK(SEED);
        SparseAutoencoder jump = SmallSae.jumpRelu(SEED)) {
      for (SparseAutoencoder sae : List.of(topK, jump)) {
        RowEncoding.Report report = encode(sae, write(draw(0), DType.BF16), OptionalInt.empty());
        assertEquals(0, report.rows());
        assertEquals(0, decode(sae).rows());
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("y.safetensors"))) {
          assertEquals(Shape.of(0, SmallSae.WIDTH), file.entry("y").shape());
        }
      }
    }
  }

  @Test
  void shouldNameTheRowThatHasMoreActiveFeaturesThanAllowed() {
    float[][] rows = new float[9000][SmallSae.WIDTH]; // zero rows: the bias alone, or nothing
    rows[8999] = draw(1)[0];
    Path x = write(rows, DType.F32);
    try (SparseAutoencoder sae = SmallSae.jumpRelu(SEED);
        SparseAutoencoder topK = SmallSae.topK(SEED)) {
      long most = EngineCodec.run(sae, rows).report().mostActive();
      if (most > 1) {
        InvalidDataException error =
            assertThrows(InvalidDataException.class, () -> encode(sae, x, OptionalInt.of(1)));
        assertEquals(
            "row 8999 has more active features than --max-active 1; up to "
                + most
                + " are active in a row",
            error.getMessage());
        assertFalse(Files.exists(folder.resolve("a.safetensors")), "nothing may be written");
      }
      assertEquals(20, encode(sae, x, OptionalInt.of(20)).places());
      assertThrows(UsageException.class, () -> encode(topK, x, OptionalInt.of(3)));
    }
  }

  @Test
  void shouldRefuseRowsOfAnotherWidth() {
    Path x = folder.resolve("x.safetensors");
    try (HostTensor rows = HostTensor.allocate(DType.F32, 2, SmallSae.WIDTH + 1);
        SparseAutoencoder sae = SmallSae.topK(SEED)) {
      SafetensorsWriter.write(x, Map.of("x", rows.view()), Map.of());
      InvalidDataException error =
          assertThrows(InvalidDataException.class, () -> encode(sae, x, OptionalInt.empty()));
      assertEquals(x + ": tensor 'x' has rows of 8 elements; the SAE takes 7", error.getMessage());
    }
  }

  @Test
  void shouldRefuseActiveFeaturesThatCannotBe() {
    float[] fine = {2, 1};
    assertDecodeRefused("row 0 has feature 12; 0 to 11 is possible", fine, 3, 12);
    assertDecodeRefused("row 0 has feature -2; 0 to 11 is possible", fine, -2, 3);
    assertDecodeRefused("row 0 has feature 3 twice; once is possible", fine, 3, 3);
    assertDecodeRefused("row 0 has feature 3 behind an empty place; none is possible", fine, -1, 3);
    float[] infinite = {Float.POSITIVE_INFINITY, 1};
    assertDecodeRefused("row 0 has Infinity in values; a finite number is needed", infinite, 3, 4);
  }

  private void assertDecodeRefused(String text, float[] values, int... indices) {
    try (HostTensor value = HostTensor.ofFloats(Shape.of(1, 2), values);
        HostTensor index = HostTensor.ofInts(Shape.of(1, 2), indices)) {
      assertDecodeRefused(": " + text, Map.of("values", value.view(), "indices", index.view()));
    }
  }

  private void assertDecodeRefused(String text, Map<String, TensorView> tensors) {
    Path path = folder.resolve("a.safetensors");
    SafetensorsWriter.write(path, tensors, Map.of());
    try (SparseAutoencoder sae = SmallSae.topK(SEED)) {
      InvalidDataException error = assertThrows(InvalidDataException.class, () -> decode(sae));
      assertEquals(path + text, error.getMessage());
      assertFalse(Files.exists(folder.resolve("y.safetensors")), "nothing may be written");
    }
  }

  @Test
  void shouldRefuseFilesThatAreNotOfActiveFeatures() {
    try (HostTensor values = HostTensor.allocate(DType.F32, 2, 3);
        HostTensor indices = HostTensor.allocate(DType.I32, 2, 4);
        HostTensor same = HostTensor.allocate(DType.I32, 2, 3);
        HostTensor normalization = HostTensor.allocate(DType.F32, 2, 2)) {
      assertDecodeRefused(
          ": indices is I32 [2, 4]; I32 [2, 3] is needed",
          Map.of("values", values.view(), "indices", indices.view()));
      assertDecodeRefused(
          " has no tensor 'values'; it has indices", Map.of("indices", indices.view()));
      assertDecodeRefused(
          " holds 'normalization', but this SAE normalises nothing: another SAE wrote it",
          Map.of(
              "values",
              values.view(),
              "indices",
              same.view(),
              "normalization",
              normalization.view()));
    }
  }

  @Test
  void shouldParsePlacesForTensors() {
    assertEquals(
        new TensorPlace(Path.of("a:b/c.safetensors"), "y:z"),
        TensorPlace.parse("a:b/c.safetensors:y:z"));
    assertEquals(new TensorPlace(Path.of("c:d"), "x"), TensorPlace.parse("c:d"));
    assertThrows(UsageException.class, () -> TensorPlace.parse("c.safetensors:"));
  }
}
