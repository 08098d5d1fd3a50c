package dev.coxswain.explain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.Harvest;
import dev.coxswain.testing.Harvests;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContextsVocabularyTest {
  private static final float[] ZERO = {0, 0};

  @TempDir Path folder;

  /** Words cut by tokens, by special tokens, by contexts and by documents. */
  private Harvest harvest() {
    return new Harvests(2)
        .row(0, 0, "<|im_start|>", 900, 0)
        .row(0, 1, "The", 1, 1)
        .row(0, 2, " Chu", 5, 5)
        .row(0, 3, "rch", 2, 4)
        .row(0, 4, "'s", 1, 0)
        .row(0, 5, " war", 0, 3)
        .row(0, 6, ".", 1, 1)
        .row(1, 0, "war", 3, 3)
        .row(1, 1, "<|im_end|>", 1, 1)
        .row(1, 2, "church", 4, 2)
        .row(1, 3, " the", 99, 0) // massive
        .row(1, 4, " the", 1, 2)
        .row(1, 5, " wa", 1, 1)
        .row(2, 0, "r", 1, 1)
        .row(2, 1, " été-war", 6, 1)
        .write(folder.resolve("harvest"));
  }

  private static final double[] MEAN = mean();

  private static double[] mean() {
    double[][] rows = {
      {1, 1}, {5, 5}, {2, 4}, {1, 0}, {0, 3}, {1, 1}, {1, 1}, {4, 2}, {1, 2}, {1, 1}, {6, 1}
    };
    double[] mean = new double[2];
    for (double[] row : rows) {
      mean[0] += row[0] / rows.length;
      mean[1] += row[1] / rows.length;
    }
    return mean;
  }

  private static void assertVector(Vocabulary vocabulary, String word, double x, double y) {
    int at = vocabulary.words().indexOf(word);
    double[] centred = {x - MEAN[0], y - MEAN[1]};
    double scale = 20 / Math.hypot(centred[0], centred[1]);
    long address = vocabulary.embeddings().rows(at, at + 1).address();
    assertEquals(centred[0] * scale, dev.coxswain.tensor.HostMemory.getFloat(address), 1e-5, word);
    assertEquals(
        centred[1] * scale, dev.coxswain.tensor.HostMemory.getFloat(address + 4), 1e-5, word);
  }

  @Test
  void shouldAverageTheStateAtAWordsLastTokenWithoutBosAndMassiveRows() {
    try (Harvest harvest = harvest()) {
      ContextsVocabulary built = ContextsVocabulary.build(harvest, 1, Optional.empty(), done -> {});
      try (Vocabulary vocabulary = built.vocabulary()) {
        assertEquals(List.of("the", "war", "church", "s", "wa", "été"), vocabulary.words());
        assertVector(vocabulary, "church", (2 + 4) / 2.0, (4 + 2) / 2.0);
        assertVector(vocabulary, "war", (0 + 6) / 2.0, (3 + 1) / 2.0);
        assertVector(vocabulary, "the", 1, 1.5);
        assertVector(vocabulary, "été", 6, 1);
        assertEquals(
            Map.of("r", "occurs 0 times as a whole word, fewer than 1, BOS and massive aside"),
            built.dropped());
      }
    }
  }

  @Test
  void shouldKeepTheWordsAskedForAndSayWhyOthersAreDropped() {
    try (Harvest harvest = harvest()) {
      ContextsVocabulary built =
          ContextsVocabulary.build(
              harvest,
              2,
              Optional.of(List.of("War", "piano", "New York", "war", "church", "the", "s")),
              done -> {});
      try (Vocabulary vocabulary = built.vocabulary()) {
        assertEquals(List.of("war", "church", "the"), vocabulary.words());
        assertEquals(
            Map.of(
                "piano", "occurs 0 times as a whole word, fewer than 2",
                "New York", "is not a run of letters",
                "war", "stands in the list before",
                "s", "occurs 1 times as a whole word, fewer than 2"),
            built.dropped());
      }
    }
  }

  @Test
  void shouldWriteWhatItReadsBack() throws Exception {
    Path file = folder.resolve("v.safetensors");
    try (Harvest harvest = harvest()) {
      ContextsVocabulary built = ContextsVocabulary.build(harvest, 2, Optional.empty(), done -> {});
      built.vocabulary().write(file, Map.of("piano", "occurs 0 times"));
      built.vocabulary().close();
    }
    assertEquals("the\nwar\nchurch\n", Files.readString(folder.resolve("v.words.txt")));
    assertEquals("piano\toccurs 0 times\n", Files.readString(folder.resolve("v.dropped.txt")));
    try (Vocabulary read = Vocabulary.read(file, Vocabulary.wordsFile(file))) {
      assertEquals(List.of("the", "war", "church"), read.words());
      assertVector(read, "church", 3, 3);
    }
  }

  @Test
  void shouldSayThatNoWordIsFrequentEnough() {
    try (Harvest harvest = harvest()) {
      assertEquals(
          "no word stands in the harvest 50 times or more as a whole word",
          assertThrows(
                  InvalidDataException.class,
                  () -> ContextsVocabulary.build(harvest, 50, Optional.empty(), done -> {}))
              .getMessage());
    }
  }

  @Test
  void shouldDropAWordWhoseMeanIsThatOfAllRows() {
    Harvests same = new Harvests(2).row(0, 0, "<s>", ZERO).row(0, 1, "one", 1, 2);
    try (Harvest harvest = same.write(folder.resolve("same"))) {
      assertThrows(
          InvalidDataException.class,
          () -> ContextsVocabulary.build(harvest, 1, Optional.empty(), done -> {}));
    }
  }

  @Test
  void shouldSayWhatIsWrongWithAVocabulary() throws Exception {
    Path file = folder.resolve("v.safetensors");
    try (Harvest harvest = harvest();
        Vocabulary vocabulary =
            ContextsVocabulary.build(harvest, 2, Optional.empty(), done -> {}).vocabulary()) {
      vocabulary.write(file, Map.of());
    }
    Path words = folder.resolve("w.txt");
    Files.writeString(words, "one\ntwo\n");
    assertReadFails(
        words + " has 2 lines, but tensor 'e' of " + file + " has 3 rows; one word a row is needed",
        file,
        words);
    Files.writeString(words, "one\n\nthree\n");
    assertReadFails(words + ", line 2 is empty; one word a line is needed", file, words);
    Files.writeString(words, "");
    assertReadFails(words + " is empty; one word a line is needed", file, words);
    Files.write(words, new byte[] {'a', (byte) 0xc3, '\n'});
    assertReadFails(words + ", line 1 is not valid UTF-8", file, words);
  }

  private static void assertReadFails(String text, Path file, Path words) {
    assertEquals(
        text,
        assertThrows(InvalidDataException.class, () -> Vocabulary.read(file, words)).getMessage());
  }
}
