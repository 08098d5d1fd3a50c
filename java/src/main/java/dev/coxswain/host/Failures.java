package dev.coxswain.host;

import dev.coxswain.error.CoxswainException;
import dev.coxswain.error.DeviceException;
import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.tensor.HostMemory;
import java.nio.charset.StandardCharsets;

/** Turns what a call threw into a status of coxswain.h and one line in the native error buffer. */
final class Failures {
  static final int OK = 0;
  private static final int ARGUMENT = -1;
  private static final int DATA = -6;
  private static final int FILE = -7;
  private static final int DEVICE = -8;
  private static final int MEMORY = -13;
  private static final int INTERNAL = -14;

  /** Layout of the error buffer: I32 status, I32 bytes, then the text. */
  private static final long TEXT = 8;

  private static final int ROOM = 1016;

  private Failures() {}

  /** Fills the buffer; returns the status. */
  static int report(Throwable failure, long buffer) {
    int status = INTERNAL;
    byte[] text = {};
    try {
      status = status(failure);
      text = line(failure).getBytes(StandardCharsets.UTF_8);
    } catch (Throwable whileReporting) {
      // No memory or stack is left for a text: the status alone goes out.
    }
    int bytes = Math.min(text.length, ROOM);
    while (bytes < text.length && bytes > 0 && (text[bytes] & 0xC0) == 0x80) {
      bytes--;
    }
    HostMemory.copy(text, 0, buffer + TEXT, bytes);
    HostMemory.putInt(buffer + 4, bytes);
    HostMemory.putInt(buffer, status);
    return status;
  }

  private static int status(Throwable failure) {
    if (failure instanceof UsageException) {
      return ARGUMENT;
    }
    if (failure instanceof InvalidDataException) {
      return DATA;
    }
    if (failure instanceof FileException) {
      return FILE;
    }
    if (failure instanceof DeviceException || failure instanceof LinkageError) {
      return DEVICE;
    }
    return failure instanceof OutOfMemoryError ? MEMORY : INTERNAL;
  }

  /** Our own errors say it all; of any other the kind matters too. */
  private static String line(Throwable failure) {
    String message = failure.getMessage();
    if (failure instanceof CoxswainException && message != null) {
      return message;
    }
    String kind = failure.getClass().getName();
    return message == null ? kind : kind + ": " + message;
  }
}
