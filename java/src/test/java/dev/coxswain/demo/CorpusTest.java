package dev.coxswain.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.AtomicFile;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusTest {
  private static final Corpus CORPUS =
      new Corpus(List.of("read before", "read too", "one two three\nfour five", "short"));

  @TempDir Path folder;

  @Test
  void shouldGiveTheBeginningsOfTheLastDocuments() {
    assertEquals(List.of("one two three", "short"), CORPUS.unread(2, 4, 2));
  }

  @Test
  void shouldNotMeasureOnWhatWasHarvested() {
    InvalidDataException e = assertThrows(InvalidDataException.class, () -> CORPUS.unread(2, 4, 3));
    assertEquals(
        "the corpus has 4 documents, of which 3 were read: too few are left to measure on",
        e.getMessage());
  }

  @Test
  void shouldReadADocumentALine() {
    Path file = folder.resolve("corpus.jsonl");
    AtomicFile.writeString(file, "{\"name\":\"a\",\"text\":\"one\"}\n{\"text\":\"two\"}\n");
    assertEquals(List.of("one", "two"), Corpus.read(file).documents());
  }
}
