package dev.coxswain.io;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.error.FileException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes a safetensors file, whole or not at all, laid out as the reference writer does: widest
 * type first, then by name, the header padded to 8 bytes.
 *
 * <p>Rows may be appended to the tensors in any interleaving, in blocks: nothing is held back in
 * memory. Single-threaded.
 */
public final class SafetensorsWriter implements AutoCloseable {
  /**
   * A tensor to come.
   *
   * @param dtype a type that fills whole bytes
   */
  public record Declaration(String name, DType dtype, Shape shape) {
    long bytes() {
      return Math.multiplyExact(shape.elements(), dtype.bytes());
    }
  }

  private static final class Region {
    private final Declaration declaration;
    private long position;
    private final long end;

    private Region(Declaration declaration, long position) {
      this.declaration = declaration;
      this.position = position;
      this.end = Math.addExact(position, declaration.bytes());
    }
  }

  private final AtomicFile file;
  private final Map<String, Region> regions = new HashMap<>();

  private SafetensorsWriter(AtomicFile file) {
    this.file = file;
  }

  /** Writes tensors that are in host memory. */
  public static void write(
      Path path, Map<String, TensorView> tensors, Map<String, String> metadata) {
    List<Declaration> declarations = new ArrayList<>();
    tensors.forEach(
        (name, view) -> declarations.add(new Declaration(name, view.dtype(), view.shape())));
    try (SafetensorsWriter writer = create(path, declarations, metadata)) {
      tensors.forEach(writer::append);
      writer.commit();
    }
  }

  /**
   * Opens a file that appears when {@link #commit()} is called.
   *
   * @throws FileException where it can't be written
   * @throws IllegalArgumentException for a name twice
   */
  public static SafetensorsWriter create(
      Path path, List<Declaration> tensors, Map<String, String> metadata) {
    List<Declaration> sorted = new ArrayList<>(tensors);
    sorted.sort(
        Comparator.comparing(Declaration::dtype)
            .reversed()
            .thenComparing(Declaration::name, SafetensorsWriter::compareBytes));
    byte[] header = header(sorted, metadata);
    SafetensorsWriter writer = new SafetensorsWriter(AtomicFile.create(path));
    try {
      writer.begin(header, sorted);
      return writer;
    } catch (RuntimeException e) {
      writer.close();
      throw e;
    }
  }

  /** The reference sorts names by their UTF-8 bytes. */
  private static int compareBytes(String a, String b) {
    return Arrays.compareUnsigned(
        a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] header(List<Declaration> sorted, Map<String, String> metadata) {
    ObjectNode header = Json.mapper().createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode values = header.putObject("__metadata__");
      new TreeMap<>(metadata).forEach(values::put);
    }
    long begin = 0;
    for (Declaration declaration : sorted) {
      SafetensorsHeader.requireName(declaration.name());
      if (header.has(declaration.name())) {
        throw new IllegalArgumentException("tensor '" + declaration.name() + "' stands twice");
      }
      ObjectNode entry = header.putObject(declaration.name());
      entry.put("dtype", declaration.dtype().name());
      Arrays.stream(declaration.shape().extents()).forEach(entry.putArray("shape")::add);
      long end = Math.addExact(begin, declaration.bytes());
      entry.putArray("data_offsets").add(begin).add(end);
      begin = end;
    }
    byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
    byte[] padded = Arrays.copyOf(json, json.length + (-json.length & 7));
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    return padded;
  }

  private void begin(byte[] header, List<Declaration> sorted) {
    ByteBuffer start = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
    start.putLong(header.length).put(header).flip();
    try {
      while (start.hasRemaining()) {
        file.channel().write(start, start.position());
      }
    } catch (IOException e) {
      throw FileException.of("cannot write", file.path(), e);
    }
    long position = start.capacity();
    for (Declaration declaration : sorted) {
      Region region = new Region(declaration, position);
      regions.put(declaration.name(), region);
      position = region.end;
    }
  }

  /**
   * Adds the next rows of a tensor; all of it at once is fine too.
   *
   * @param rows host memory of the declared type
   */
  public void append(String name, TensorView rows) {
    Region region = regions.get(name);
    if (region == null) {
      throw new IllegalArgumentException("tensor '" + name + "' was not declared");
    }
    if (rows.dtype() != region.declaration.dtype() || !rows.space().isHost()) {
      throw new IllegalArgumentException("tensor '" + name + "' is " + region.declaration.dtype());
    }
    long bytes = rows.byteSize();
    if (bytes > region.end - region.position) {
      throw new IllegalArgumentException(
          "tensor '" + name + "' of shape " + region.declaration.shape() + " is full");
    }
    try {
      FileTransfer.write(file.channel(), region.position, rows.address(), bytes);
    } catch (IOException e) {
      throw FileException.of("cannot write", file.path(), e);
    }
    region.position += bytes;
  }

  /**
   * Makes the file appear.
   *
   * @throws IllegalStateException where a tensor lacks rows
   */
  public void commit() {
    for (Region region : regions.values()) {
      if (region.position != region.end) {
        throw new IllegalStateException(
            "tensor '" + region.declaration.name() + "' lacks its last rows");
      }
    }
    file.commit();
  }

  /** Drops what was written unless it was committed. */
  @Override
  public void close() {
    file.close();
  }
}
