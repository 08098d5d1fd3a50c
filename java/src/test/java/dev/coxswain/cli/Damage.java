package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.io.SafetensorsFile;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/** Ways to spoil a file of the {@link Sample}. */
final class Damage {
  private Damage() {}

  private interface Act {
    void run(Path file) throws IOException;
  }

  private static Consumer<Path> to(String name, Act act) {
    return folder -> {
      try {
        act.run(folder.resolve(name));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    };
  }

  static Consumer<Path> write(String name, String content) {
    return to(name, file -> Files.writeString(file, content));
  }

  static Consumer<Path> latin1(String name, String content) {
    return to(name, file -> Files.write(file, content.getBytes(StandardCharsets.ISO_8859_1)));
  }

  /** Replaces what a pattern finds, which must be there. */
  static Consumer<Path> edit(String name, String pattern, String replacement) {
    return to(
        name,
        file -> {
          String before = Files.readString(file);
          String after = before.replaceFirst(pattern, replacement);
          assertTrue(!after.equals(before), () -> pattern + " is not in " + before);
          Files.writeString(file, after);
        });
  }

  /** Takes the last byte. */
  static Consumer<Path> cut(String name) {
    return to(
        name,
        file -> {
          try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            open.setLength(open.length() - 1);
          }
        });
  }

  /** Replaces the file by a symbolic link to nowhere. */
  static Consumer<Path> link(String name) {
    return to(
        name,
        file -> {
          Files.delete(file);
          Files.createSymbolicLink(file, Path.of("nowhere"));
        });
  }

  /** Makes the first element of an F32 tensor NaN. */
  static Consumer<Path> nan(String name, String tensor) {
    return to(
        name,
        file -> {
          long begin;
          try (SafetensorsFile open = SafetensorsFile.open(file)) {
            begin = open.tensors().get(tensor).begin();
          }
          try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            long header = Long.reverseBytes(open.readLong());
            open.seek(8 + header + begin);
            open.writeInt(Integer.reverseBytes(Float.floatToRawIntBits(Float.NaN)));
          }
        });
  }
}
