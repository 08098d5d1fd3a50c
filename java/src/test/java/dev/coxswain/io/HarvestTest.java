package dev.coxswain.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HarvestTest {
  private static final int SHARD = 65_536;

  @TempDir Path folder;

  /** Rows (i, 0) of norm i, one document of 1,000 rows after the other. */
  private HarvestInfo write(int rows, int blockRows) {
    HarvestInfo identity = HarvestInfo.begin("m.gguf", "ab", 3, 2, List.of("a", "b\n"));
    try (HarvestWriter writer = HarvestWriter.create(folder, identity, DType.F32);
        HostTensor block = HostTensor.allocate(DType.F32, blockRows, 2)) {
      for (int from = 0; from < rows; from += blockRows) {
        int n = Math.min(blockRows, rows - from);
        int[] tokens = new int[n];
        int[] positions = new int[n];
        long[] documents = new long[n];
        for (int i = 0; i < n; i++) {
          block.setFloat(2L * i, from + i);
          tokens[i] = from + i;
          positions[i] = (from + i) % 1000;
          documents[i] = (from + i) / 1000;
        }
        writer.append(block.view().rows(0, n), tokens, positions, documents);
      }
      return writer.finish();
    }
  }

  @Test
  void shouldReadBackWhatWasWrittenAcrossShards() {
    int rows = SHARD + 1234;
    HarvestInfo info = write(rows, 5000);
    assertEquals(rows, info.rows());
    assertEquals(67, info.documents());
    assertEquals(67, info.bosRows());
    try (Harvest harvest = Harvest.open(folder)) {
      assertEquals(info, harvest.info());
      assertEquals(2, harvest.width());
      assertEquals(List.of("a", "b\n"), harvest.pieces());
      assertArrayEquals(new int[] {SHARD - 1, SHARD}, harvest.tokens(SHARD - 1, SHARD + 1));
      assertArrayEquals(new int[] {535, 536}, harvest.positions(SHARD - 1, SHARD + 1));
      assertArrayEquals(new long[] {65, 65}, harvest.documents(SHARD - 1, SHARD + 1));
      try (HostTensor read = HostTensor.allocate(DType.F32, 3, 2)) {
        harvest.rowSource().read(SHARD - 1, SHARD + 2, read.view());
        assertArrayEquals(new float[] {SHARD - 1, 0, SHARD, 0, SHARD + 1, 0}, read.toFloats());
      }
    }
  }

  @Test
  void shouldLeaveOutBosAndMassiveAndNonFiniteRows() {
    HarvestInfo identity = HarvestInfo.begin("m", "ab", 0, 1, List.of());
    try (HarvestWriter writer = HarvestWriter.create(folder, identity, DType.F32);
        HostTensor x = HostTensor.ofFloats(Shape.of(7, 1), 900, 1, 2, 3, 11, Float.NaN, -2)) {
      writer.append(x.view(), new int[7], new int[] {0, 1, 2, 3, 4, 5, 6}, new long[7]);
      HarvestInfo info = writer.finish();
      assertEquals(2, info.medianNorm());
      assertEquals(19.0 / 5, info.meanNorm());
      assertEquals(2, info.massiveRows());
    }
    try (Harvest harvest = Harvest.open(folder)) {
      assertArrayEquals(
          new boolean[] {true, false, false, false, true, true, false}, harvest.skip(0, 7));
    }
  }

  @Test
  void shouldBeNoHarvestUntilItIsFinished() {
    write(10, 10);
    HarvestInfo identity = HarvestInfo.begin("m", "ab", 0, 2, List.of());
    HarvestWriter.create(folder, identity, DType.F16).close();
    assertThrows(dev.coxswain.error.FileException.class, () -> Harvest.open(folder).close());
  }

  @Test
  void shouldRefuseAHarvestThatContradictsItself() {
    write(10, 10);
    Path json = folder.resolve("harvest.json");
    ObjectNode node = (ObjectNode) Json.read(json);
    AtomicFile.writeString(json, node.put("rows", 11).toString());
    InvalidDataException error =
        assertThrows(InvalidDataException.class, () -> Harvest.open(folder).close());
    assertEquals(
        folder + ": harvest.json says 11 rows of 2 elements, the shards hold 10 of 2",
        error.getMessage());
    AtomicFile.writeString(json, node.put("rows", "many").toString());
    assertThrows(InvalidDataException.class, () -> Harvest.open(folder).close());
    node.remove("rows");
    AtomicFile.writeString(json, node.toString());
    error = assertThrows(InvalidDataException.class, () -> Harvest.open(folder).close());
    assertEquals(json + " has no field rows", error.getMessage());
  }

  @Test
  void shouldWriteAnEmptyHarvest() {
    HarvestInfo identity = HarvestInfo.begin("m", "ab", 0, 4, List.of());
    try (HarvestWriter writer = HarvestWriter.create(folder, identity, DType.BF16)) {
      writer.finish();
    }
    try (Harvest harvest = Harvest.open(folder)) {
      assertEquals(0, harvest.rows());
      assertEquals(4, harvest.width());
    }
  }

  @Test
  void shouldReadRowsOfAnyTensorAsStoredAndAsFloats() {
    Path path = folder.resolve("a:b.safetensors");
    try (HostTensor floats = HostTensor.ofFloats(Shape.of(2, 2), 1, 2, 3, 4.00390625f);
        HostTensor stored = HostTensor.allocate(DType.BF16, 2, 2);
        HostTensor read = HostTensor.allocate(DType.F32, 2, 2)) {
      FloatConversion.narrow(floats.view(), stored.view());
      Map<String, TensorView> tensors = Map.of("x", stored.view(), "h:y", stored.view());
      SafetensorsWriter.write(path, tensors, Map.of());
      List<String> specs = List.of(path.toString(), path + ":h:y");
      try (RowSource rows = RowSource.open(specs)) {
        assertEquals(4, rows.rows());
        assertEquals(DType.BF16, rows.dtype());
        rows.readFloats(1, 3, read.view());
        assertArrayEquals(new float[] {3, 4, 1, 2}, read.toFloats());
        rows.readFloats(4, 4, TensorView.host(0, DType.F32, 0, 2));
      }
    }
  }

  @Test
  void shouldRefuseRowsThatDoNotFitTogether() throws Exception {
    Path wide = folder.resolve("wide.safetensors");
    Path narrow = folder.resolve("narrow.safetensors");
    try (HostTensor three = HostTensor.allocate(DType.F32, 1, 3);
        HostTensor two = HostTensor.allocate(DType.F32, 1, 2);
        HostTensor one = HostTensor.allocate(DType.F32, 2)) {
      SafetensorsWriter.write(wide, Map.of("x", three.view()), Map.of());
      SafetensorsWriter.write(narrow, Map.of("x", two.view(), "b", one.view()), Map.of());
    }
    assertRefused(
        narrow
            + " holds F32 [1, 2], but "
            + wide
            + " holds F32 [1, 3]: "
            + "rows of one input have one width and type",
        wide.toString(),
        narrow.toString());
    assertRefused(
        narrow + ": tensor 'b' is F32 [2]; F32, F16 or BF16 [n, d] is needed", narrow + ":b");
    assertRefused(narrow + " has no tensor 'y'; it has b, x", narrow + ":y");
    assertRefused(folder + " is no harvest: it holds no shard (00000.safetensors, …)", "" + folder);
    assertThrows(UsageException.class, () -> RowSource.open(List.of()));
    Files.delete(wide);
  }

  private static void assertRefused(String text, String... specs) {
    InvalidDataException error =
        assertThrows(InvalidDataException.class, () -> RowSource.open(List.of(specs)).close());
    assertEquals(text, error.getMessage());
  }
}
