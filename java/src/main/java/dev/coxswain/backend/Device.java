package dev.coxswain.backend;

import dev.coxswain.error.UsageException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The device asked for, as written in {@code --device}.
 *
 * @param kind what to look for
 * @param ordinal number of the CUDA device; 0 otherwise
 */
public record Device(Kind kind, int ordinal) {
  /** {@code AUTO}: a usable CUDA device if there is one, else the CPU. */
  public enum Kind {
    AUTO,
    CPU,
    CUDA
  }

  public static final Device AUTO = new Device(Kind.AUTO, 0);
  public static final Device CPU = new Device(Kind.CPU, 0);

  private static final Pattern CUDA = Pattern.compile("cuda(?::(\\d{1,4}))?");

  /**
   * Reads {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N}.
   *
   * @throws UsageException for anything else
   */
  public static Device parse(String text) {
    if (text.equals("auto")) {
      return AUTO;
    }
    if (text.equals("cpu")) {
      return CPU;
    }
    Matcher cuda = CUDA.matcher(text);
    if (cuda.matches()) {
      return new Device(Kind.CUDA, cuda.group(1) == null ? 0 : Integer.parseInt(cuda.group(1)));
    }
    throw new UsageException("unknown device '" + text + "': use auto, cpu, cuda or cuda:N");
  }

  @Override
  public String toString() {
    return switch (kind) {
      case AUTO -> "auto";
      case CPU -> "cpu";
      case CUDA -> "cuda:" + ordinal;
    };
  }
}
