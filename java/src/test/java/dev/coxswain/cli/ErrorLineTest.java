package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.coxswain.error.InvalidDataException;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.junit.jupiter.api.Test;

class ErrorLineTest {
  @Test
  void shouldGiveTheMessageOfOurOwnErrorsAsItIs() {
    assertEquals(
        "x.safetensors: tensor 'x': d = 3",
        ErrorLine.of(new InvalidDataException("x.safetensors: tensor 'x': d = 3")));
  }

  @Test
  void shouldStayOnOneLineWhenTheMessageHoldsControlCharacters() {
    assertEquals(
        "a\\nb\\u0009c\\u001b[31m", ErrorLine.of(new InvalidDataException("a\nb\tc\u001b[31m\n")));
  }

  @Test
  void shouldUnwrapUncheckedInputErrors() {
    assertEquals(
        "IOException: disk on fire",
        ErrorLine.of(new UncheckedIOException(new IOException("disk on fire"))));
  }

  @Test
  void shouldCallAnythingElseABug() {
    assertEquals(
        "IllegalStateException: no further details (a bug; --verbose shows where)",
        ErrorLine.of(new IllegalStateException()));
  }
}
