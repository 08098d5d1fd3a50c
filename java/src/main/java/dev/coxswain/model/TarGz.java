package dev.coxswain.model;

import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Predicate;
import java.util.zip.GZIPInputStream;

/** Reads the regular files of a {@code .tgz} as npm packs it. */
final class TarGz {
  private static final int BLOCK = 512;
  private static final int NAME = 100;
  private static final int SIZE_OFFSET = 124;
  private static final int SIZE_DIGITS = 11;
  private static final int TYPE_OFFSET = 156;

  /** Receives a file's path inside the archive and its bytes. */
  @FunctionalInterface
  interface Visitor {
    void file(String name, byte[] content) throws IOException;
  }

  private TarGz() {}

  /** Visits, in the archive's order, the files whose names are wanted. */
  static void read(Path archive, Predicate<String> wanted, Visitor visitor) {
    try (InputStream input =
        new BufferedInputStream(new GZIPInputStream(Files.newInputStream(archive)), 1 << 16)) {
      for (byte[] header = input.readNBytes(BLOCK);
          header.length == BLOCK && header[0] != 0;
          header = input.readNBytes(BLOCK)) {
        String name = text(header, 0, NAME);
        int size = size(archive, header);
        byte[] content = input.readNBytes(size);
        if (content.length < size) {
          throw new InvalidDataException(archive + " ends inside " + name);
        }
        input.skipNBytes((BLOCK - size % BLOCK) % BLOCK);
        boolean regular = header[TYPE_OFFSET] == '0' || header[TYPE_OFFSET] == 0;
        if (regular && wanted.test(name)) {
          visitor.file(name, content);
        }
      }
    } catch (IOException e) {
      throw FileException.of("cannot read", archive, e);
    }
  }

  private static int size(Path archive, byte[] header) {
    String octal = text(header, SIZE_OFFSET, SIZE_DIGITS).strip();
    try {
      return Integer.parseInt(octal, 8);
    } catch (NumberFormatException e) {
      throw new InvalidDataException(archive + " holds a file of size '" + octal + "'", e);
    }
  }

  private static String text(byte[] header, int from, int length) {
    int end = from;
    while (end < from + length && header[end] != 0) {
      end++;
    }
    return new String(header, from, end - from, StandardCharsets.US_ASCII);
  }
}
