package dev.coxswain.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.coxswain.error.InvalidDataException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JsonLinesTest {
  @TempDir Path folder;

  @Test
  void shouldReadBackWhatWasWritten() {
    Path path = folder.resolve("a.jsonl");
    try (JsonLines.Writer writer = JsonLines.create(path)) {
      writer.write(Map.of("word", "käse\n"));
      writer.write(List.of(1, 2));
      writer.commit();
    }
    List<String> lines = new ArrayList<>();
    JsonLines.read(path, (number, value) -> lines.add(number + " " + value));
    assertEquals(List.of("1 {\"word\":\"käse\\n\"}", "2 [1,2]"), lines);
  }

  @Test
  void shouldWriteNothingWithoutCommit() {
    Path path = folder.resolve("b.jsonl");
    try (JsonLines.Writer writer = JsonLines.create(path)) {
      writer.write(1);
    }
    assertFalse(Files.exists(path));
  }

  @Test
  void shouldNameTheLineThatIsWrong() throws Exception {
    Path path = folder.resolve("c.jsonl");
    assertLineRefused(path, "{}\n{\"a\":1,\"a\":2}\n", ", line 2 is not valid JSON: Duplicate");
    assertLineRefused(path, "{}\n\n{}", ", line 2 is empty; a JSON value is needed");
    assertLineRefused(path, "{} {}\n", ", line 1 is not valid JSON: Trailing token");
    assertLineRefused(path, "NaN\n", ", line 1 is not valid JSON: Non-standard token 'NaN'");
    Files.write(path, new byte[] {'"', (byte) 0xff, '"'});
    assertLineRefused(path, ", line 1 is not valid UTF-8");
  }

  @Test
  void shouldAddTheLineToAnErrorOfTheReceiver() throws Exception {
    Path path = folder.resolve("d.jsonl");
    Files.writeString(path, "1\n2");
    InvalidDataException error =
        assertThrows(
            InvalidDataException.class,
            () ->
                JsonLines.read(
                    path,
                    (number, value) -> {
                      if (value.asInt() == 2) {
                        throw new InvalidDataException("no 2 here");
                      }
                    }));
    assertEquals(path + ", line 2: no 2 here", error.getMessage());
  }

  private static void assertLineRefused(Path path, String text, String start) throws Exception {
    Files.writeString(path, text);
    assertLineRefused(path, start);
  }

  private static void assertLineRefused(Path path, String start) {
    InvalidDataException error =
        assertThrows(InvalidDataException.class, () -> JsonLines.read(path, value -> {}));
    assertEquals(path + start, error.getMessage().substring(0, (path + start).length()));
    assertEquals(1, error.getMessage().lines().count());
  }
}
