package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.coxswain.error.FileException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class OutputTest {
  @Test
  void shouldWriteUtf8WhateverTheLocale() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Output out = new Output(bytes);
    out.line("α = %.1f", 0.5);
    assertArrayEquals("α = 0.5\n".getBytes(StandardCharsets.UTF_8), bytes.toByteArray());
  }

  @Test
  void shouldTellAReaderThatLeftFromADiskThatIsFull() {
    assertThrows(Output.ReaderGone.class, () -> failing("Broken pipe").print("x"));
    FileException full =
        assertThrows(FileException.class, () -> failing("No space left on device").print("x"));
    assertEquals("cannot write standard output: No space left on device", full.getMessage());
  }

  private static Output failing(String message) {
    return new Output(
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException(message);
          }
        });
  }
}
