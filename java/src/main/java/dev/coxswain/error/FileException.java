package dev.coxswain.error;

import java.nio.file.Path;

/** Reading or writing failed: missing file, no permission, full disk. */
public final class FileException extends CoxswainException {
  public FileException(String message, Throwable cause) {
    super(message, cause);
  }

  /** What the operating system said of {@code path}, in one line. */
  public static FileException of(String doing, Path path, java.io.IOException cause) {
    return new FileException(doing + " " + path + ": " + reason(path, cause), cause);
  }

  private static String reason(Path path, java.io.IOException cause) {
    if (cause instanceof java.nio.file.NoSuchFileException) {
      return "no such file or folder";
    }
    if (cause instanceof java.nio.file.AccessDeniedException) {
      return "permission denied";
    }
    if (cause instanceof java.nio.file.FileAlreadyExistsException) {
      return "exists already";
    }
    String message = cause.getMessage();
    if (message == null) {
      return cause.getClass().getSimpleName();
    }
    return message.startsWith(path + ": ") ? message.substring((path + ": ").length()) : message;
  }
}
