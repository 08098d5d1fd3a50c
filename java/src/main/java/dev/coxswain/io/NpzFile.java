package dev.coxswain.io;

import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * An open .npz file (a zip of .npy arrays, stored or deflated, of any size) whose headers were
 * validated against the sizes of the entries. Data is streamed. Not thread-safe.
 */
public final class NpzFile implements AutoCloseable {
  private static final int BLOCK_BYTES = 4 << 20;

  /** Deflate cannot do better: 258 bytes for two bits. */
  private static final long MAX_RATIO = 1032;

  /**
   * One array.
   *
   * @param columnMajor whether it is stored in Fortran order
   */
  public record Array(
      String name, DType dtype, dev.coxswain.tensor.Shape shape, boolean columnMajor) {}

  private final Path path;
  private final ZipFile zip;
  private final Map<String, ZipEntry> entries = new LinkedHashMap<>();
  private final Map<String, Array> arrays = new LinkedHashMap<>();

  private NpzFile(Path path, ZipFile zip) {
    this.path = path;
    this.zip = zip;
  }

  /**
   * @throws FileException where the file can't be read
   * @throws InvalidDataException where it isn't a zip of valid arrays
   */
  public static NpzFile open(Path path) {
    try {
      if (Files.exists(path) && !Files.isRegularFile(path)) {
        throw new IOException("not a regular file");
      }
      NpzFile file = new NpzFile(path, new ZipFile(path.toFile()));
      try {
        file.readHeaders();
        return file;
      } catch (IOException | RuntimeException e) {
        file.zip.close();
        throw e;
      }
    } catch (ZipException | EOFException | IllegalArgumentException e) {
      throw new InvalidDataException(path + " is not a valid zip: " + e.getMessage(), e);
    } catch (IOException e) {
      throw FileException.of("cannot read", path, e);
    }
  }

  private void readHeaders() throws IOException {
    for (Enumeration<? extends ZipEntry> all = zip.entries(); all.hasMoreElements(); ) {
      ZipEntry entry = all.nextElement();
      String file = entry.getName();
      if (!file.endsWith(".npy")) {
        throw new InvalidDataException(
            path + " holds '" + Json.shorten(file) + "', which is no .npy array");
      }
      String name = file.substring(0, file.length() - ".npy".length());
      SafetensorsHeader.requireName(name);
      if (entries.put(name, entry) != null) {
        throw new InvalidDataException(path + " holds '" + name + "' twice");
      }
      arrays.put(name, readHeader(name, entry));
    }
  }

  private Array readHeader(String name, ZipEntry entry) throws IOException {
    try (InputStream input = zip.getInputStream(entry)) {
      NpyHeader header = NpyHeader.read(input);
      long elements = header.shape().elements();
      long bytes = Math.multiplyExact(elements, header.dtype().bytes());
      boolean stored = entry.getMethod() == ZipEntry.STORED;
      long possible = entry.getCompressedSize();
      if (!stored) {
        possible = Math.multiplyExact(possible, MAX_RATIO);
      }
      if (entry.getSize() - header.length() != bytes || entry.getSize() > possible) {
        throw new InvalidDataException(
            "has "
                + entry.getSize()
                + " bytes in "
                + entry.getCompressedSize()
                + "; its header makes it "
                + header.dtype()
                + " "
                + header.shape());
      }
      return new Array(name, header.dtype(), header.shape(), header.columnMajor());
    } catch (InvalidDataException e) {
      throw new InvalidDataException(path + ": array '" + name + "' " + e.getMessage(), e);
    } catch (ArithmeticException e) {
      throw new InvalidDataException(path + ": array '" + name + "' is too large", e);
    }
  }

  public Path path() {
    return path;
  }

  /** By name, in the order of the zip's directory. */
  public Map<String, Array> arrays() {
    return Collections.unmodifiableMap(arrays);
  }

  /**
   * Streams an array as float32 and checks its CRC.
   *
   * @param unit every block but the last holds a multiple of so many elements
   */
  public void readFloatBlocks(String name, long unit, FloatBlocks consumer) {
    ZipEntry entry = entries.get(name);
    if (entry == null) {
      throw new InvalidDataException(path + " has no array '" + name + "'");
    }
    CRC32 crc = new CRC32();
    try (InputStream input = new CheckedInputStream(zip.getInputStream(entry), crc)) {
      NpyHeader.read(input);
      stream(input, arrays.get(name), unit, consumer);
      if (input.read() >= 0 || crc.getValue() != entry.getCrc()) {
        throw new InvalidDataException(path + ": array '" + name + "' fails its checksum");
      }
    } catch (ZipException | EOFException e) {
      throw new InvalidDataException(
          path + ": array '" + name + "' is damaged: " + e.getMessage(), e);
    } catch (IOException e) {
      throw FileException.of("cannot read", path, e);
    }
  }

  private static void stream(InputStream input, Array array, long unit, FloatBlocks consumer)
      throws IOException {
    long elements = array.shape().elements();
    int size = array.dtype().bytes();
    long units = Math.max(1, BLOCK_BYTES / size / Math.max(1, unit));
    int block = Math.toIntExact(Math.min(elements, units * Math.max(1, unit)));
    byte[] raw = new byte[Math.multiplyExact(block, size)];
    try (HostTensor stored = HostTensor.allocate(array.dtype(), block);
        HostTensor floats = HostTensor.allocate(DType.F32, block)) {
      for (long done = 0; done < elements; done += block) {
        int count = (int) Math.min(block, elements - done);
        if (input.readNBytes(raw, 0, count * size) < count * size) {
          throw new EOFException("it ends early");
        }
        HostMemory.copy(raw, 0, stored.view().address(), count * size);
        TensorView part = floats.view().rows(0, count);
        FloatConversion.widen(stored.view().rows(0, count), part);
        consumer.block(done, part);
      }
    }
  }

  @Override
  public void close() {
    try {
      zip.close();
    } catch (IOException e) {
      throw FileException.of("cannot close", path, e);
    }
  }
}
