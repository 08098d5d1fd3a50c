package dev.coxswain.io;

import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An open safetensors file whose whole header was validated: whatever the reference reader rejects
 * is rejected, and a little more (docs/formats.md).
 *
 * <p>Data goes from the page cache straight into the caller's memory, at 64-bit positions. The file
 * is not mapped: a mapped file that somebody truncates kills the process, while a read says so.
 *
 * <p>Thread-safe. Errors name the file.
 */
public final class SafetensorsFile implements AutoCloseable {
  private static final long MAX_HEADER = 100_000_000;
  private static final long WIDEN_BYTES = 8 << 20;

  private final Path path;
  private final FileChannel channel;
  private final long dataStart;
  private final Map<String, TensorEntry> tensors;
  private final Map<String, String> metadata;
  private final List<String> warnings;

  private SafetensorsFile(
      Path path, FileChannel channel, long dataStart, SafetensorsHeader header) {
    this.path = path;
    this.channel = channel;
    this.dataStart = dataStart;
    Map<String, TensorEntry> ordered = new LinkedHashMap<>();
    header.inDataOrder().forEach(entry -> ordered.put(entry.name(), entry));
    this.tensors = Collections.unmodifiableMap(ordered);
    this.metadata = Collections.unmodifiableMap(header.metadata());
    this.warnings = List.copyOf(header.warnings());
  }

  /**
   * Opens and validates; reads no tensor.
   *
   * @throws FileException where the file can't be read
   * @throws InvalidDataException where it isn't a valid safetensors file
   */
  public static SafetensorsFile open(Path path) {
    FileChannel channel = openChannel(path);
    try {
      long size = channel.size();
      long headerBytes = headerLength(channel, size);
      SafetensorsHeader header = SafetensorsHeader.parse(headerText(channel, (int) headerBytes));
      requireCover(header.inDataOrder(), size - 8 - headerBytes);
      return new SafetensorsFile(path, channel, 8 + headerBytes, header);
    } catch (InvalidDataException e) {
      closeQuietly(channel, e);
      throw new InvalidDataException(path + ": " + e.getMessage(), e);
    } catch (IOException e) {
      closeQuietly(channel, e);
      throw FileException.of("cannot read", path, e);
    }
  }

  private static FileChannel openChannel(Path path) {
    try {
      if (!Files.exists(path)) {
        throw new NoSuchFileException(path.toString());
      }
      // Opening a pipe would wait for ever.
      if (!Files.isRegularFile(path)) {
        throw new IOException("not a regular file");
      }
      return FileChannel.open(path, StandardOpenOption.READ);
    } catch (IOException e) {
      throw FileException.of("cannot read", path, e);
    }
  }

  private static void closeQuietly(FileChannel channel, Exception reason) {
    try {
      channel.close();
    } catch (IOException e) {
      reason.addSuppressed(e);
    }
  }

  private static long headerLength(FileChannel channel, long size) throws IOException {
    if (size < 8) {
      throw new InvalidDataException(
          "the file has " + size + " bytes; a safetensors file has at least 8");
    }
    ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    readFully(channel, length, 0);
    long bytes = length.getLong(0);
    if (bytes < 0 || bytes > MAX_HEADER) {
      throw new InvalidDataException(
          "the header's length is "
              + Long.toUnsignedString(bytes)
              + " bytes; at most "
              + MAX_HEADER
              + " is possible (is this a safetensors file?)");
    }
    if (bytes > size - 8) {
      throw new InvalidDataException(
          "the header's length is " + bytes + " bytes, but only " + (size - 8) + " follow");
    }
    return bytes;
  }

  private static String headerText(FileChannel channel, int bytes) throws IOException {
    byte[] raw = new byte[bytes];
    readFully(channel, ByteBuffer.wrap(raw), 8);
    return Json.decodeUtf8(raw, 0, bytes, "the header");
  }

  private static void readFully(FileChannel channel, ByteBuffer target, long position)
      throws IOException {
    while (target.hasRemaining()) {
      if (channel.read(target, position + target.position()) < 0) {
        throw new EOFException("the file ends at byte " + channel.size() + " while it is read");
      }
    }
  }

  /** The tensors must cover the data section: no hole, no overlap, nothing left over. */
  private static void requireCover(List<TensorEntry> inDataOrder, long dataBytes) {
    long covered = 0;
    for (TensorEntry entry : inDataOrder) {
      String where = "tensor '" + entry.name() + "'";
      if (entry.begin() != covered || entry.end() < entry.begin()) {
        throw new InvalidDataException(
            where
                + " has data_offsets ["
                + entry.begin()
                + ", "
                + entry.end()
                + "]; its data must begin at "
                + covered);
      }
      requireSize(where, entry);
      covered = entry.end();
    }
    if (covered != dataBytes) {
      throw new InvalidDataException(
          "the tensors take " + covered + " bytes, but " + dataBytes + " follow the header");
    }
  }

  private static void requireSize(String where, TensorEntry entry) {
    long bits;
    try {
      bits = Math.multiplyExact(entry.shape().elements(), entry.dtype().bits());
    } catch (ArithmeticException e) {
      throw new InvalidDataException(where + ": " + entry + " overflows 2^63 bits", e);
    }
    if (bits % 8 != 0) {
      throw new InvalidDataException(where + ": " + entry + " does not fill whole bytes");
    }
    if (bits / 8 != entry.bytes()) {
      throw new InvalidDataException(
          where + ": " + entry + " takes " + bits / 8 + " bytes, not " + entry.bytes());
    }
  }

  public Path path() {
    return path;
  }

  /** By name, in the order of their data. */
  public Map<String, TensorEntry> tensors() {
    return tensors;
  }

  /** The header's {@code __metadata__}; empty where there is none. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** What was accepted although somebody should look at it. */
  public List<String> warnings() {
    return warnings;
  }

  /**
   * @throws InvalidDataException where the file has no such tensor; the text lists those it has
   */
  public TensorEntry entry(String name) {
    TensorEntry entry = tensors.get(name);
    if (entry == null) {
      throw new InvalidDataException(
          path
              + " has no tensor '"
              + Json.shorten(name)
              + "'; it has "
              + Json.shorten(tensors.isEmpty() ? "none" : String.join(", ", tensors.keySet())));
    }
    return entry;
  }

  /** A tensor in its stored type, which must fill whole bytes. The caller owns it. */
  public HostTensor read(String name) {
    TensorEntry entry = entry(name);
    if (entry.dtype().bits() < 8) {
      throw new InvalidDataException(
          path + ": tensor '" + name + "' is " + entry.dtype() + ", which has no whole bytes");
    }
    return readInto(entry, entry.dtype(), entry.shape());
  }

  /** The bytes of a tensor of any type, as U8 [bytes]. The caller owns it. */
  public HostTensor readBytes(String name) {
    TensorEntry entry = entry(name);
    return readInto(entry, DType.U8, Shape.of(entry.bytes()));
  }

  private HostTensor readInto(TensorEntry entry, DType dtype, Shape shape) {
    AvailableMemory.require(entry.bytes(), path + ": tensor '" + entry.name() + "'");
    HostTensor tensor = HostTensor.allocate(dtype, shape);
    try {
      transfer(entry, 0, tensor.view());
      return tensor;
    } catch (RuntimeException e) {
      tensor.close();
      throw e;
    }
  }

  /** An F32, F16, BF16 or F64 tensor as F32 (F64 rounds to nearest). The caller owns it. */
  public HostTensor readFloats(String name) {
    TensorEntry entry = entry(name);
    requireFloat(entry);
    AvailableMemory.require(
        Math.multiplyExact(entry.shape().elements(), 4), path + ": tensor '" + name + "' as F32");
    HostTensor tensor = HostTensor.allocate(DType.F32, entry.shape());
    try {
      widenElements(entry, 0, tensor.view().reshape(entry.shape().elements()));
      return tensor;
    } catch (RuntimeException e) {
      tensor.close();
      throw e;
    }
  }

  /**
   * Rows {@code from} (inclusive) to {@code to} (exclusive) of the first axis, as stored.
   *
   * @param target host memory of the stored type and to − from rows
   */
  public void readRows(String name, long from, long to, TensorView target) {
    TensorEntry entry = entry(name);
    long rowElements = requireRows(entry, from, to, target);
    if (target.dtype() != entry.dtype()) {
      throw new IllegalArgumentException(
          "tensor '" + name + "' is " + entry.dtype() + ", the target " + target.dtype());
    }
    transfer(entry, Math.multiplyExact(from * rowElements, entry.dtype().bytes()), target);
  }

  /**
   * As {@link #readRows}, converted to F32.
   *
   * @param target host memory, F32, to − from rows
   */
  public void readRowsAsFloats(String name, long from, long to, TensorView target) {
    TensorEntry entry = entry(name);
    requireFloat(entry);
    long rowElements = requireRows(entry, from, to, target);
    if (target.dtype() != DType.F32) {
      throw new IllegalArgumentException("the target is " + target.dtype() + ", not F32");
    }
    widenElements(entry, from * rowElements, target.reshape(target.shape().elements()));
  }

  /**
   * Streams an F32, F16, BF16 or F64 tensor as F32.
   *
   * @param unit every block but the last holds a multiple of so many elements
   */
  public void readFloatBlocks(String name, long unit, FloatBlocks consumer) {
    TensorEntry entry = entry(name);
    requireFloat(entry);
    long elements = entry.shape().elements();
    long units = Math.max(1, WIDEN_BYTES / 4 / Math.max(1, unit));
    long block = Math.min(elements, units * Math.max(1, unit));
    try (HostTensor floats = HostTensor.allocate(DType.F32, block)) {
      for (long done = 0; done < elements; done += block) {
        TensorView part = floats.view().rows(0, Math.min(block, elements - done));
        widenElements(entry, done, part);
        consumer.block(done, part);
      }
    }
  }

  private void requireFloat(TensorEntry entry) {
    if (!FloatConversion.isFloat(entry.dtype())) {
      throw new InvalidDataException(
          path
              + ": tensor '"
              + entry.name()
              + "' is "
              + entry.dtype()
              + "; F32, F16, BF16 or F64 is needed");
    }
  }

  /** Elements of a row. */
  private static long requireRows(TensorEntry entry, long from, long to, TensorView target) {
    long rows = entry.shape().rank() == 0 ? 0 : entry.shape().extent(0);
    if (from < 0 || to < from || to > rows) {
      throw new IndexOutOfBoundsException("rows " + from + " to " + to + " of " + entry.shape());
    }
    long rowElements = 1;
    for (int axis = 1; axis < entry.shape().rank(); axis++) {
      rowElements *= entry.shape().extent(axis);
    }
    if (target.shape().elements() != (to - from) * rowElements || !target.space().isHost()) {
      throw new IllegalArgumentException(
          (to - from) + " rows of " + entry.shape() + " into " + target.shape());
    }
    return rowElements;
  }

  private void widenElements(TensorEntry entry, long first, TensorView target) {
    long elements = target.shape().elements();
    if (entry.dtype() == DType.F32) {
      transfer(entry, 4 * first, target);
      return;
    }
    int size = entry.dtype().bytes();
    long block = Math.min(WIDEN_BYTES / size, elements);
    try (HostTensor stored = HostTensor.allocate(entry.dtype(), block)) {
      for (long done = 0; done < elements; done += block) {
        long count = Math.min(block, elements - done);
        TensorView part = stored.view().rows(0, count);
        transfer(entry, (first + done) * size, part);
        FloatConversion.widen(part, target.rows(done, done + count));
      }
    }
  }

  private void transfer(TensorEntry entry, long offset, TensorView target) {
    try {
      long position = dataStart + entry.begin() + offset;
      FileTransfer.read(channel, position, target.address(), target.byteSize());
    } catch (IOException e) {
      throw FileException.of("cannot read", path, e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw FileException.of("cannot close", path, e);
    }
  }
}
