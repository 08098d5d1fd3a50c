package dev.coxswain.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.io.Json;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class AccountTest {
  private static final JsonNode SUMMARY =
      Json.parse(
          """
          {"model": "A-Model", "tokens": 200000, "layer": 14, "n_features": 4096, "l0": 31.9,
           "fvu": 0.225, "dead_fraction": 0.0, "vocabulary": 2425, "lift_median": 11.9,
           "lift_random_words": 0.74, "word": "school", "features": [561, 1460],
           "words": ["school", "college"], "strength_relative": 0.273, "effect_nats": 3.04,
           "kl": 0.292, "effect_word_vector_nats": 2.96, "effect_random_features_nats": -0.24,
           "steer_share_of_token_time": 0.003}
          """,
          "summary");

  @Test
  void shouldTellWhatHappenedInTheSummarysFigures() {
    String told = account().replaceAll("\\s+", " ");
    assertTrue(told.contains("200,000 tokens of A-Model's hidden states, after block 14"), told);
    assertTrue(told.contains("became 4,096 features. 32 of them on a token hold 78 %"), told);
    assertTrue(told.contains("none is dead"), told);
    assertTrue(told.contains("11.9 times as often as anywhere (random words 0.7 times)"), told);
    assertTrue(told.contains("\"school\" chose features 561, 1460."), told);
    assertTrue(told.contains("school, college 20.9 times as likely (+3.04 nats)"), told);
    assertTrue(told.contains("without features, +2.96 nats; random features -0.24."), told);
    assertTrue(told.contains("Steering took 0.3 % of a token's time."), told);
  }

  @Test
  void shouldShowTheFirstPromptPlainAndSteered() {
    String told = account();
    assertTrue(
        told.contains(
            "\"First?\"\n\n  plain\n    I went home.\n\n  steered\n    I went to school."));
    assertFalse(told.contains("amplified"));
    assertFalse(told.contains("Second?"));
  }

  @Test
  void shouldFitATerminal() {
    account().lines().forEach(line -> assertTrue(line.length() <= 90, line));
    assertEquals("The report:   out/report.html", account().lines().toList().get(lines() - 2));
  }

  private static int lines() {
    return (int) account().lines().count();
  }

  private static String account() {
    return Account.of(
        SUMMARY,
        List.of(
            text("First?", "plain", "I went\\n home."),
            text("First?", "calibrate", "I went to school."),
            text("First?", "amplify", "amplified"),
            text("Second?", "plain", "Other.")),
        Path.of("out"));
  }

  private static JsonNode text(String prompt, String kind, String text) {
    return Json.parse(
        "{\"prompt\":\"" + prompt + "\",\"kind\":\"" + kind + "\",\"text\":\"" + text + "\"}",
        "text");
  }
}
