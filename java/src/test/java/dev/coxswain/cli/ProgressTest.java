package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private static final long SECOND = 1_000_000_000L;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private long now = 17;

  @Test
  void shouldShowNothingWhenTheWorkIsDoneWithinTwoSeconds() {
    try (Progress progress = start(true, 100)) {
      now += 2 * SECOND - 1;
      progress.update(99);
    }
    assertEquals("", shown());
  }

  @Test
  void shouldPrintALineEveryFiveSecondsWhereThereIsNoTerminal() {
    try (Progress progress = start(false, 200)) {
      for (int second = 1; second <= 8; second++) {
        now += SECOND;
        progress.advance(10);
      }
    }
    assertEquals(
        "cox: encoding 10 %  20/200 rows  10.0/s  18 s left\n"
            + "cox: encoding 35 %  70/200 rows  10.0/s  13 s left\n",
        shown());
  }

  @Test
  void shouldDrawABarOnATerminalAndTakeItOffAtTheEnd() {
    try (Progress progress = start(true, 2)) {
      now += 2 * SECOND;
      progress.update(1, "loss 0.5");
    }
    String line =
        "cox: encoding [############------------] 50 %  1/2 rows  0.500/s  2 s left  loss 0.5";
    assertEquals("\r" + line + "\r" + " ".repeat(line.length()) + "\r", shown());
  }

  @Test
  void shouldCountWithoutAnEndWhenTheTotalIsUnknown() {
    Progress progress = start(false, 0);
    now += 4 * SECOND;
    progress.update(1234);
    assertEquals("cox: encoding 1234 rows  309/s\n", shown());
  }

  private Progress start(boolean terminal, long total) {
    PrintStream stream = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    return Progress.on(stream, terminal, () -> now, "encoding", total);
  }

  private String shown() {
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
