package dev.coxswain.cli;

import dev.coxswain.demo.Listener;
import java.util.Locale;

/** The demo's steps on standard error: a line when one ends, a bar while it runs. */
final class DemoProgress implements Listener, AutoCloseable {
  private static final int PARTS = 1000;

  private Progress bar = Progress.start("demo", PARTS, "‰");
  private String heading = "";

  @Override
  public void begins(int number, int count, String title) {
    heading = String.format(Locale.ROOT, "[%2d/%d] %s", number, count, title);
    bar.close();
    bar = Progress.start(heading, PARTS, "‰");
  }

  @Override
  public void say(String line) {
    Progress.message("cox: " + line);
  }

  @Override
  public void progress(double share, String note) {
    bar.update(Math.round(share * PARTS), note);
  }

  @Override
  public void ends(Outcome outcome, double seconds, String result) {
    bar.close();
    String how =
        outcome == Outcome.KEPT ? "done before" : String.format(Locale.ROOT, "%.1f s", seconds);
    Progress.message("cox: " + heading + ": " + how + (result.isEmpty() ? "" : ", " + result));
  }

  @Override
  public void close() {
    bar.close();
  }
}
