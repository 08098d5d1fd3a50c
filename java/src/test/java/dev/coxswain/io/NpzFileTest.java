package dev.coxswain.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.NpzFile.Array;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.Shape;
import dev.coxswain.testing.Floats;
import dev.coxswain.testing.ForeignSaes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NpzFileTest {
  private static final float[] SIX = {1, -2, 3, 4, 5, 6};

  @TempDir Path folder;

  private Path zip(Map<String, byte[]> files) throws IOException {
    Path path = folder.resolve("a.npz");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(path))) {
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        zip.putNextEntry(new ZipEntry(file.getKey()));
        zip.write(file.getValue());
      }
    }
    return path;
  }

  private void assertRefused(String text, Map<String, byte[]> files) throws IOException {
    Path path = zip(files);
    InvalidDataException error =
        assertThrows(InvalidDataException.class, () -> NpzFile.open(path).close());
    assertEquals(path + text, error.getMessage());
  }

  @Test
  void shouldStreamInStorageOrderInBlocksOfWholeUnits() throws IOException {
    Path path = zip(Map.of("w.npy", ForeignSaes.npy("<f4", true, SIX, 2, 3)));
    try (NpzFile file = NpzFile.open(path)) {
      assertEquals(Map.of("w", new Array("w", DType.F32, Shape.of(2, 3), true)), file.arrays());
      List<Float> read = new ArrayList<>();
      file.readFloatBlocks(
          "w",
          3,
          (first, block) -> {
            assertEquals(read.size(), first);
            for (float value : Floats.of(block)) {
              read.add(value);
            }
          });
      assertEquals(List.of(1f, -2f, 3f, 4f, 5f, 6f), read);
    }
  }

  @Test
  void shouldReadScalarsAndEmptyArrays() throws IOException {
    byte[] scalar = ForeignSaes.npy("<f4", false, new float[] {7});
    byte[] empty = ForeignSaes.npy("<f4", false, new float[0], 0, 4);
    try (NpzFile file = NpzFile.open(zip(Map.of("s.npy", scalar, "e.npy", empty)))) {
      file.readFloatBlocks(
          "s", 1, (first, block) -> assertArrayEquals(new float[] {7}, Floats.of(block)));
      file.readFloatBlocks("e", 4, (first, block) -> assertEquals(0, first));
      assertEquals(Shape.of(0, 4), file.arrays().get("e").shape());
    }
  }

  @Test
  void shouldNameWhatIsWrongWithAnArray() throws IOException {
    assertRefused(
        ": array 'w' has elements of type '>f4'; '<f2', '<f4' or '<f8' is needed",
        Map.of("w.npy", ForeignSaes.npy(">f4", false, SIX, 6)));
    assertRefused(
        " holds 'w.txt', which is no .npy array",
        Map.of("w.txt", ForeignSaes.npy("<f4", false, SIX, 6)));
    assertRefused(
        ": array 'w' is not in NumPy's .npy format", Map.of("w.npy", "no such thing".getBytes()));
    Path path = zip(Map.of("w.npy", ForeignSaes.npy("<f4", false, SIX, 7)));
    InvalidDataException error =
        assertThrows(InvalidDataException.class, () -> NpzFile.open(path).close());
    assertTrue(error.getMessage().endsWith("; its header makes it F32 [7]"), error.getMessage());
  }

  @Test
  void shouldNoticeDamagedData() throws IOException {
    Path path = zip(Map.of("w.npy", ForeignSaes.npy("<f4", false, new float[1 << 16], 1 << 16)));
    byte[] bytes = Files.readAllBytes(path);
    bytes[bytes.length / 2] ^= 0x55;
    Files.write(path, bytes);
    try (NpzFile file = NpzFile.open(path)) {
      InvalidDataException error =
          assertThrows(
              InvalidDataException.class, () -> file.readFloatBlocks("w", 1, (first, block) -> {}));
      assertTrue(error.getMessage().startsWith(path + ": array 'w' "), error.getMessage());
    }
  }

  @Test
  void shouldRefuseWhatIsNoZip() throws IOException {
    Path path = folder.resolve("no.npz");
    Files.writeString(path, "no zip at all");
    assertThrows(InvalidDataException.class, () -> NpzFile.open(path).close());
    Files.delete(path);
    assertThrows(FileException.class, () -> NpzFile.open(path).close());
  }
}
