package dev.coxswain.demo;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.JsonLines;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The documents of the corpus, in its order: the harvest reads from its beginning. */
record Corpus(List<String> documents) {
  /** A token is about three quarters of a word. */
  private static final double WORDS_A_TOKEN = 0.75;

  static Corpus read(Path file) {
    List<String> documents = new ArrayList<>();
    JsonLines.read(file, line -> documents.add(line.path("text").asText()));
    return new Corpus(documents);
  }

  /**
   * The beginnings, of about so many tokens, of the last documents, which no harvest reached.
   *
   * @param harvested documents read from the corpus' beginning
   */
  List<String> unread(int count, int tokens, long harvested) {
    if (documents.size() - count < harvested) {
      throw new InvalidDataException(
          "the corpus has "
              + documents.size()
              + " documents, of which "
              + harvested
              + " were read: too few are left to measure on");
    }
    int words = (int) (tokens * WORDS_A_TOKEN);
    return documents.subList(documents.size() - count, documents.size()).stream()
        .map(document -> beginning(document, words))
        .toList();
  }

  private static String beginning(String document, int words) {
    String[] first = document.strip().split("\\s+", words + 1);
    return String.join(" ", List.of(first).subList(0, Math.min(words, first.length)));
  }
}
