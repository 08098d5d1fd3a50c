package dev.coxswain.io;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.error.CoxswainException;
import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/** Files of one JSON value a line. Errors name the file and the line. */
public final class JsonLines {
  private static final int MAX_LINE = 64 << 20;

  private JsonLines() {}

  /** Receives each line's value with its number, from 1. */
  @FunctionalInterface
  public interface Visitor {
    void line(long number, JsonNode value);
  }

  /** Hands every line's value over, in order; an error that {@code each} throws gains the line. */
  public static void read(Path path, Consumer<JsonNode> each) {
    read(path, (number, value) -> each.accept(value));
  }

  /**
   * @throws FileException where the file can't be read
   * @throws InvalidDataException for a line that isn't JSON, or that {@code visitor} refuses
   */
  public static void read(Path path, Visitor visitor) {
    try (InputStream input = new BufferedInputStream(Files.newInputStream(path), 1 << 16)) {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      long number = 1;
      for (int next = input.read(); next >= 0; next = input.read()) {
        if (next == '\n') {
          visit(path, number++, line, visitor);
          line.reset();
        } else if (line.size() == MAX_LINE) {
          throw new InvalidDataException(path + ", line " + number + " is longer than 64 MiB");
        } else {
          line.write(next);
        }
      }
      if (line.size() > 0) {
        visit(path, number, line, visitor);
      }
    } catch (IOException e) {
      throw FileException.of("cannot read", path, e);
    }
  }

  private static void visit(Path path, long number, ByteArrayOutputStream line, Visitor visitor) {
    String where = path + ", line " + number;
    byte[] bytes = line.toByteArray();
    JsonNode value = Json.parse(Json.decodeUtf8(bytes, 0, bytes.length, where), where);
    try {
      visitor.line(number, value);
    } catch (CoxswainException e) {
      throw new InvalidDataException(where + ": " + e.getMessage(), e);
    }
  }

  /** Opens a file that appears, whole, when {@link Writer#commit()} is called. */
  public static Writer create(Path path) {
    return new Writer(AtomicFile.create(path));
  }

  /** Writes one value a line; single-threaded. */
  public static final class Writer implements AutoCloseable {
    private final AtomicFile file;

    private Writer(AtomicFile file) {
      this.file = file;
    }

    /** A tree, a record or a map, as one line. */
    public void write(Object value) {
      try {
        OutputStream output = file.output();
        output.write(Json.mapper().writeValueAsBytes(value));
        output.write('\n');
      } catch (IOException e) {
        throw FileException.of("cannot write", file.path(), e);
      }
    }

    public void commit() {
      file.commit();
    }

    /** Drops what was written unless it was committed. */
    @Override
    public void close() {
      file.close();
    }
  }
}
