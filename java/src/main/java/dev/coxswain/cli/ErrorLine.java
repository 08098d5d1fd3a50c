package dev.coxswain.cli;

import dev.coxswain.error.CoxswainException;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The one line a user reads when something failed. */
final class ErrorLine {
  private static final String BUG = " (a bug; --verbose shows where)";

  private ErrorLine() {}

  static String of(Throwable failure) {
    return oneLine(text(failure));
  }

  private static String text(Throwable failure) {
    if (failure instanceof CoxswainException) {
      return message(failure);
    }
    if (failure instanceof UncheckedIOException unchecked) {
      return text(unchecked.getCause());
    }
    if (failure instanceof IOException) {
      return failure.getClass().getSimpleName() + ": " + message(failure);
    }
    if (failure instanceof OutOfMemoryError) {
      return "out of memory: " + message(failure);
    }
    return failure.getClass().getSimpleName() + ": " + message(failure) + BUG;
  }

  private static String message(Throwable failure) {
    return failure.getMessage() == null ? "no further details" : failure.getMessage();
  }

  /** Control characters, which a file name or an argument may hold, written visibly. */
  static String oneLine(String text) {
    StringBuilder line = new StringBuilder(text.length());
    text.strip().chars().forEach(c -> append(line, (char) c));
    return line.toString();
  }

  private static void append(StringBuilder line, char c) {
    if (c == '\n') {
      line.append("\\n");
    } else if (Character.isISOControl(c)) {
      line.append(String.format("\\u%04x", (int) c));
    } else {
      line.append(c);
    }
  }
}
