package dev.coxswain.cli;

import java.io.PrintStream;
import java.util.Locale;
import java.util.function.LongSupplier;

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

  /** Standard error, and how much of its last line is a bar. */
  private static final class Screen {
    private final PrintStream stream;
    private final boolean terminal;
    private int shownLength;

    Screen(PrintStream stream, boolean terminal) {
      this.stream = stream;
      this.terminal = terminal;
    }

    void show(String line) {
      if (terminal) {
        stream.print("\r" + line + " ".repeat(Math.max(0, shownLength - line.length())));
        stream.flush();
        shownLength = line.length();
      } else {
        stream.println(line);
      }
    }

    void clearBar() {
      if (shownLength > 0) {
        stream.print("\r" + " ".repeat(shownLength) + "\r");
        shownLength = 0;
      }
    }
  }

  private static final Screen STANDARD_ERROR = new Screen(System.err, TERMINAL);

  private final Screen screen;
  private final LongSupplier clock;
  private final String what;
  private final long total;
  private final String unit;
  private final long start;
  private long nextShow;
  private long done;
  private String note = "";

  private Progress(Screen screen, LongSupplier clock, String what, long total, String unit) {
    this.screen = screen;
    this.clock = clock;
    this.what = what;
    this.total = total;
    this.unit = unit;
    this.start = clock.getAsLong();
    this.nextShow = start + SILENT_NANOS;
  }

  /**
   * @param what is being done, as "encoding"
   * @param total units of the whole work; 0 = unknown
   * @param unit plural, as "rows"
   */
  static Progress start(String what, long total, String unit) {
    return new Progress(STANDARD_ERROR, System::nanoTime, what, total, unit);
  }

  /** On another stream, by another clock. */
  static Progress on(
      PrintStream stream, boolean terminal, LongSupplier nanoTime, String what, long total) {
    return new Progress(new Screen(stream, terminal), nanoTime, what, total, "rows");
  }

  /** {@code done} units of the whole are finished. */
  void update(long done) {
    update(done, "");
  }

  /**
   * @param note shown at the end of the line, as "loss 0.31"
   */
  void update(long done, String note) {
    synchronized (screen) {
      this.done = done;
      this.note = note;
      long now = clock.getAsLong();
      if (now - nextShow >= 0) {
        nextShow = now + (screen.terminal ? BAR_NANOS : LINE_NANOS);
        screen.show(line(now - start));
      }
    }
  }

  void advance(long units) {
    synchronized (screen) {
      update(done + units, note);
    }
  }

  /** A line of its own on standard error; a bar that is on the screen makes room for it. */
  static void message(String line) {
    synchronized (STANDARD_ERROR) {
      STANDARD_ERROR.clearBar();
      System.err.println(line);
    }
  }

  /** Takes the bar off the screen. */
  @Override
  public void close() {
    synchronized (screen) {
      screen.clearBar();
    }
  }

  private String line(long nanos) {
    double seconds = nanos / 1e9;
    StringBuilder line = new StringBuilder("cox: ").append(what).append(' ');
    if (total > 0) {
      double share = Math.min(1, (double) done / total);
      line.append(screen.terminal ? bar(share) : "").append(percent(share)).append("  ");
      line.append(done).append('/').append(total);
    } else {
      line.append(done);
    }
    line.append(' ').append(unit);
    line.append("  " + rate(done / seconds) + "/s");
    if (total > 0 && done > 0 && done < total) {
      line.append("  ").append(duration(seconds * (total - done) / done)).append(" left");
    }
    return note.isEmpty() ? line.toString() : line.append("  ").append(note).toString();
  }

  private static String rate(double perSecond) {
    return String.format(Locale.ROOT, perSecond >= 100 ? "%.0f" : "%.3g", perSecond);
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
