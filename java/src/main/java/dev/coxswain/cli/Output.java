package dev.coxswain.cli;

import dev.coxswain.error.FileException;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Standard output as UTF-8 whatever the locale. Unlike {@link System#out} it notices when a write
 * fails: a reader that went away ends the program quietly, anything else is an error. Thread-safe.
 */
final class Output {
  /** The reader has closed its end of the pipe and wants no more. */
  static final class ReaderGone extends RuntimeException {
    private ReaderGone(IOException cause) {
      super(cause);
    }
  }

  private static final Output STANDARD =
      new Output(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16));

  private final OutputStream stream;

  Output(OutputStream stream) {
    this.stream = stream;
  }

  static Output standard() {
    return STANDARD;
  }

  synchronized void print(String text) {
    try {
      stream.write(text.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw failure(e);
    }
  }

  void line(String text) {
    print(text + "\n");
  }

  void line(String format, Object... values) {
    line(String.format(java.util.Locale.ROOT, format, values));
  }

  /** Hands over what was printed so far; {@link Main} does it at the end of every command. */
  synchronized void flush() {
    try {
      stream.flush();
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private static RuntimeException failure(IOException e) {
    if ("Broken pipe".equals(e.getMessage())) {
      return new ReaderGone(e);
    }
    return FileException.of("cannot write", Path.of("standard output"), e);
  }
}
