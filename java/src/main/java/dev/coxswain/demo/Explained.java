package dev.coxswain.demo;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.io.JsonLines;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The words of every feature, by feature, best first. */
record Explained(List<List<Word>> features) {
  /** A feature's word and its mutual-information score. */
  record Word(String text, double score) {}

  static Explained read(Path explanations) {
    List<List<Word>> features = new ArrayList<>();
    JsonLines.read(explanations, line -> features.add(words(line)));
    return new Explained(features);
  }

  private static List<Word> words(JsonNode line) {
    List<Word> words = new ArrayList<>();
    for (JsonNode word : line.path("words")) {
      words.add(new Word(word.path("word").asText(), word.path("score").asDouble()));
    }
    return words;
  }

  /** Where the word stands among the feature's, from 0; −1 if it does not. */
  int rank(int feature, String word) {
    List<Word> words = features.get(feature);
    for (int i = 0; i < words.size(); i++) {
      if (words.get(i).text().equals(word)) {
        return i;
      }
    }
    return -1;
  }
}
