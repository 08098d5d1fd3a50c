package dev.coxswain.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.error.CoxswainException;
import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.SafetensorsWriter.Declaration;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsTest {
  @TempDir Path folder;

  private Path raw(String header, int dataBytes) throws Exception {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer all =
        ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    all.putLong(json.length).put(json);
    Path path = folder.resolve("raw.safetensors");
    Files.write(path, all.array());
    return path;
  }

  private void assertRejected(String text, String header, int dataBytes) throws Exception {
    Path path = raw(header, dataBytes);
    CoxswainException error =
        assertThrows(InvalidDataException.class, () -> SafetensorsFile.open(path).close());
    assertEquals(path + ": " + text, error.getMessage());
  }

  @Test
  void shouldNameTheDefectWhenAHeaderIsRejected() throws Exception {
    assertRejected("the header must begin with '{'", " {}", 0);
    assertRejected("tensor 't' has no dtype", "{\"t\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
    assertRejected(
        "tensor 't': shape holds -0; 0 to 2^63-1 is possible",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[-0],\"data_offsets\":[0,0]}}",
        0);
    assertRejected(
        "tensor 't': shape must be an array of integers",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[1e2],\"data_offsets\":[0,400]}}",
        400);
    assertRejected(
        "the tensors take 4 bytes, but 5 follow the header",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        5);
    assertRejected(
        "the name of a tensor holds the control character U+007F",
        "{\"\u007f\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        4);
    assertRejected(
        "__metadata__.a stands twice in the header",
        "{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}",
        0);
    assertRejected(
        "tensor 't' stands twice in the header",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
            + "\"\\u0074\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
        4);
  }

  @Test
  void shouldRejectLoneSurrogatesWhereverTheyStand() throws Exception {
    assertRejected(
        "__metadata__.a holds half of a surrogate pair",
        "{\"__metadata__\":{\"a\":\"\\udc00\"}}",
        0);
    assertRejected(
        "tensor 't' holds half of a surrogate pair",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"more\":[\"\\ud800x\"]}}",
        4);
  }

  @Test
  void shouldWriteWhatItReads() throws Exception {
    Path path = folder.resolve("t.safetensors");
    try (HostTensor floats = HostTensor.ofFloats(Shape.of(2, 3), 1, -2, 3, Float.NaN, 0, -0f);
        HostTensor ints = HostTensor.ofInts(Shape.of(4), 1, 2, 3, Integer.MIN_VALUE);
        HostTensor empty = HostTensor.allocate(DType.I64, 0, 7)) {
      Map<String, TensorView> tensors = new LinkedHashMap<>();
      tensors.put("ä", floats.view());
      tensors.put("b", ints.view());
      tensors.put("", empty.view());
      SafetensorsWriter.write(path, tensors, Map.of("k", "v\n\"\u2028"));
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        assertEquals(List.of("", "ä", "b"), List.copyOf(file.tensors().keySet()));
        assertEquals(Map.of("k", "v\n\"\u2028"), file.metadata());
        try (HostTensor read = file.read("ä");
            HostTensor readInts = file.read("b")) {
          assertArrayEquals(floats.toFloats(), read.toFloats());
          assertEquals(Float.floatToRawIntBits(-0f), Float.floatToRawIntBits(read.getFloat(5)));
          assertArrayEquals(ints.toInts(), readInts.toInts());
        }
        assertTrue(file.entry("").shape().is(0, 7));
      }
    }
    long header =
        ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN).getLong();
    assertEquals(0, header % 8, "the header is padded");
  }

  @Test
  void shouldAppendRowsOfManyTensorsInAnyOrder() {
    Path path = folder.resolve("rows.safetensors");
    List<Declaration> declared =
        List.of(
            new Declaration("values", DType.F32, Shape.of(4, 2)),
            new Declaration("indices", DType.I32, Shape.of(4, 1)));
    try (HostTensor values = HostTensor.ofFloats(Shape.of(2, 2), 1, 2, 3, 4);
        HostTensor indices = HostTensor.ofInts(Shape.of(4, 1), 5, 6, 7, 8);
        SafetensorsWriter writer = SafetensorsWriter.create(path, declared, Map.of())) {
      writer.append("values", values.view());
      writer.append("indices", indices.view());
      assertThrows(IllegalStateException.class, writer::commit);
      writer.append("values", values.view());
      writer.commit();
    }
    try (SafetensorsFile file = SafetensorsFile.open(path);
        HostTensor rows = HostTensor.allocate(DType.F32, 2, 2)) {
      file.readRows("values", 1, 3, rows.view());
      assertArrayEquals(new float[] {3, 4, 1, 2}, rows.toFloats());
    }
  }

  @Test
  void shouldSayThatAFileEndedWhenItIsTruncatedAfterOpening() throws Exception {
    Path path = folder.resolve("shrinks.safetensors");
    try (HostTensor large = HostTensor.allocate(DType.F32, 1 << 16)) {
      SafetensorsWriter.write(path, Map.of("x", large.view()), Map.of());
    }
    try (SafetensorsFile file = SafetensorsFile.open(path);
        RandomAccessFile other = new RandomAccessFile(path.toFile(), "rw")) {
      other.setLength(5000);
      FileException error = assertThrows(FileException.class, () -> file.read("x").close());
      assertEquals(
          "cannot read " + path + ": the file ends at byte 5000 while it is read",
          error.getMessage());
    }
  }

  @Test
  void shouldRefuseATensorThatDoesNotFitMemory() throws Exception {
    Path path = sparse("[549755813888]", 1L << 41);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      InvalidDataException error =
          assertThrows(InvalidDataException.class, () -> file.read("x").close());
      String start = path + ": tensor 'x' needs 2048.0 GiB of memory; ";
      assertTrue(error.getMessage().startsWith(start), error.getMessage());
    }
  }

  /** A file of one F32 tensor whose data nobody wrote. */
  private Path sparse(String shape, long bytes) throws Exception {
    String header =
        "{\"x\":{\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":[0," + bytes + "]}}";
    Path path = raw(header, 0);
    try (RandomAccessFile sparse = new RandomAccessFile(path.toFile(), "rw")) {
      sparse.setLength(8 + header.length() + bytes);
    } catch (IOException e) {
      Assumptions.abort("this file system has no such large files");
    }
    return path;
  }

  @Test
  void shouldReadBeyondTwoGibibytesOfASparseFile() throws Exception {
    long rows = (1L << 29) + 1;
    Path path = sparse("[" + rows + ",4]", rows * 16);
    try (RandomAccessFile sparse = new RandomAccessFile(path.toFile(), "rw")) {
      sparse.seek(sparse.length() - 4);
      sparse.writeInt(0x0000803f);
    }
    try (SafetensorsFile file = SafetensorsFile.open(path);
        HostTensor last = HostTensor.allocate(DType.F32, 1, 4)) {
      file.readRows("x", rows - 1, rows, last.view());
      assertArrayEquals(new float[] {0, 0, 0, 1}, last.toFloats());
    }
  }

  @Test
  void shouldKeepTheOldFileAndLeaveNothingWhenNotCommitted() throws Exception {
    Path path = folder.resolve("kept.txt");
    AtomicFile.writeString(path, "old");
    try (AtomicFile file = AtomicFile.create(path)) {
      file.output().write('n');
    }
    assertEquals("old", Files.readString(path));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(path), files.toList());
    }
  }

  @Test
  void shouldSayWhyAFileCannotBeWritten() {
    Path missing = folder.resolve("missing/t.safetensors");
    FileException error =
        assertThrows(FileException.class, () -> AtomicFile.writeString(missing, ""));
    assertEquals(
        "cannot write " + missing + ": there is no folder " + missing.getParent(),
        error.getMessage());
    error = assertThrows(FileException.class, () -> AtomicFile.writeString(folder, ""));
    assertEquals("cannot write " + folder + ": it is a folder", error.getMessage());
  }

  @Test
  void shouldSayWhyAFileCannotBeRead() {
    Path missing = folder.resolve("missing.safetensors");
    FileException error =
        assertThrows(FileException.class, () -> SafetensorsFile.open(missing).close());
    assertEquals("cannot read " + missing + ": no such file or folder", error.getMessage());
    error = assertThrows(FileException.class, () -> SafetensorsFile.open(folder).close());
    assertEquals("cannot read " + folder + ": not a regular file", error.getMessage());
  }
}
