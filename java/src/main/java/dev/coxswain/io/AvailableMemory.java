package dev.coxswain.io;

import dev.coxswain.error.InvalidDataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/**
 * What the machine could still give this process. Linux hands out address space it does not have
 * and kills the process when it is touched; so large allocations ask here first.
 */
public final class AvailableMemory {
  private static final Path MEMINFO = Path.of("/proc/meminfo");
  private static final Path CGROUP = Path.of("/sys/fs/cgroup");

  /** Below this nobody asks: reading the answer would cost more than it is worth. */
  private static final long UNCHECKED = 64L << 20;

  private AvailableMemory() {}

  /** Bytes available; empty where the system does not say. */
  public static OptionalLong bytes() {
    OptionalLong free = memInfo();
    OptionalLong group = cgroup();
    if (free.isPresent() && group.isPresent()) {
      return OptionalLong.of(Math.min(free.getAsLong(), group.getAsLong()));
    }
    return free.isPresent() ? free : group;
  }

  /**
   * @param what the thing that needs them, to begin the error with
   * @throws InvalidDataException where {@code bytes} would not fit
   */
  public static void require(long bytes, String what) {
    if (bytes < UNCHECKED) {
      return;
    }
    OptionalLong available = bytes();
    if (available.isPresent() && bytes > available.getAsLong()) {
      throw new InvalidDataException(
          String.format(
              "%s needs %.1f GiB of memory; %.1f GiB are available",
              what, bytes / 0x1p30, available.getAsLong() / 0x1p30));
    }
  }

  private static OptionalLong memInfo() {
    try {
      for (String line : Files.readAllLines(MEMINFO)) {
        if (line.startsWith("MemAvailable:")) {
          return OptionalLong.of(Long.parseLong(line.replaceAll("\\D", "")) * 1024);
        }
      }
      return OptionalLong.empty();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }

  private static OptionalLong cgroup() {
    OptionalLong unified = difference("memory.max", "memory.current", "memory.stat");
    if (unified.isPresent()) {
      return unified;
    }
    return difference(
        "memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat");
  }

  private static OptionalLong difference(String limit, String usage, String statistics) {
    try {
      String most = Files.readString(CGROUP.resolve(limit)).strip();
      if (!most.matches("\\d{1,18}")) {
        return OptionalLong.empty();
      }
      long used = Long.parseLong(Files.readString(CGROUP.resolve(usage)).strip());
      long cache = inactiveFile(Files.readAllLines(CGROUP.resolve(statistics)));
      return OptionalLong.of(Math.max(0, Long.parseLong(most) - used + cache));
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }

  /** Page cache counts as used, but gives way. */
  private static long inactiveFile(List<String> statistics) {
    for (String line : statistics) {
      if (line.startsWith("inactive_file ")) {
        return Long.parseLong(line.substring("inactive_file ".length()).strip());
      }
    }
    return 0;
  }
}
