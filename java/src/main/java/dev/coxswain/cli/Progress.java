package dev.coxswain.cli;

import java.util.Locale;

/**
 * How far long work is, on standard error: a bar on a terminal, a line every few seconds elsewhere.
 * Work that is done within two seconds shows nothing. Thread-safe.
 *
 * <pre>{@code
 * try (Progress progress = Progress.start("encoding", rows, "rows")) {
 *   ... progress.update(done);
 * }
 * }</pre>
 */
final class Progress implements AutoCloseable {
  private static final long SILENT_NANOS = 2_000_000_000L;
  private static final long BAR_NANOS = 100_000_000L;
  private static final long LINE_NANOS = 5_000_000_000L;
  private static final int BAR_WIDTH = 24;

  /** The entry script knows whether standard error is a terminal; Java 17 cannot ask. */
  private static final boolean TERMINAL = Boolean.getBoolean("cox.terminal");

  private static final Object SCREEN = new Object();
  private static int shownLength;

  private final String what;
  private final long total;
  private final String unit;
  private final long start = System.nanoTime();
  private long nextShow = start + SILENT_NANOS;
  private long done;
  private String note = "";

  private Progress(String what, long total, String unit) {
    this.what = what;
    this.total = total;
    this.unit = unit;
  }

  /**
   * @param what is being done, as "encoding"
   * @param total units of the whole work; 0 = unknown
   * @param unit plural, as "rows"
   */
  static Progress start(String what, long total, String unit) {
    return new Progress(what, total, unit);
  }

  /** {@code done} units of the whole are finished. */
  void update(long done) {
    update(done, "");
  }

  /**
   * @param note shown at the end of the line, as "loss 0.31"
   */
  void update(long done, String note) {
    synchronized (SCREEN) {
      this.done = done;
      this.note = note;
      long now = System.nanoTime();
      if (now >= nextShow) {
        nextShow = now + (TERMINAL ? BAR_NANOS : LINE_NANOS);
        show(now);
      }
    }
  }

  void advance(long units) {
    synchronized (SCREEN) {
      update(done + units, note);
    }
  }

  /** A line of its own on standard error; a bar that is on the screen makes room for it. */
  static void message(String line) {
    synchronized (SCREEN) {
      clearBar();
      System.err.println(line);
    }
  }

  /** Takes the bar off the screen. */
  @Override
  public void close() {
    synchronized (SCREEN) {
      clearBar();
    }
  }

  private void show(long now) {
    String line = line(now - start);
    if (TERMINAL) {
      System.err.print("\r" + line + " ".repeat(Math.max(0, shownLength - line.length())));
      System.err.flush();
      shownLength = line.length();
    } else {
      System.err.println(line);
    }
  }

  private static void clearBar() {
    if (shownLength > 0) {
      System.err.print("\r" + " ".repeat(shownLength) + "\r");
      shownLength = 0;
    }
  }

  private String line(long nanos) {
    double seconds = nanos / 1e9;
    StringBuilder line = new StringBuilder("cox: ").append(what).append(' ');
    if (total > 0) {
      double share = Math.min(1, (double) done / total);
      line.append(TERMINAL ? bar(share) : "").append(percent(share)).append("  ");
      line.append(done).append('/').append(total);
    } else {
      line.append(done);
    }
    line.append(' ').append(unit);
    line.append(String.format(Locale.ROOT, "  %.3g/s", done / seconds));
    if (total > 0 && done > 0 && done < total) {
      line.append("  ").append(duration(seconds * (total - done) / done)).append(" left");
    }
    return note.isEmpty() ? line.toString() : line.append("  ").append(note).toString();
  }

  private static String percent(double share) {
    return (int) Math.floor(100 * share) + " %";
  }

  private static String bar(double share) {
    int full = (int) (BAR_WIDTH * share);
    return "[" + "#".repeat(full) + "-".repeat(BAR_WIDTH - full) + "] ";
  }

  private static String duration(double seconds) {
    long whole = Math.round(seconds);
    return whole < 60 ? whole + " s" : whole / 60 + " min " + whole % 60 + " s";
  }
}
