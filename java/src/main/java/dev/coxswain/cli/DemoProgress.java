package dev.coxswain.cli;

import dev.coxswain.demo.Listener;
import java.util.Locale;
import java.util.Optional;

/** The demo's steps on standard error: a line when one ends, a bar while it runs. */
final class DemoProgress implements Listener, AutoCloseable {
  private Optional<Progress> bar = Optional.empty();
  private String heading = "";

  @Override
  public void begins(int number, int count, String title) {
    heading = String.format(Locale.ROOT, "[%2d/%d] %s", number, count, title);
    close();
  }

  @Override
  public void say(String line) {
    Progress.message("cox: " + line);
  }

  @Override
  public void progress(long done, long total, String unit, String note) {
    if (bar.isEmpty()) {
      bar = Optional.of(Progress.start(heading, total, unit));
    }
    bar.get().update(done, note);
  }

  @Override
  public void ends(Outcome outcome, double seconds, String result) {
    close();
    String how =
        outcome == Outcome.KEPT ? "done before" : String.format(Locale.ROOT, "%.1f s", seconds);
    Progress.message("cox: " + heading + ": " + how + (result.isEmpty() ? "" : ", " + result));
  }

  @Override
  public void close() {
    bar.ifPresent(Progress::close);
    bar = Optional.empty();
  }
}
