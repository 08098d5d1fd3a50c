package dev.coxswain.demo;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The run told in a few lines for a terminal, from the summary alone. */
final class Account {
  private static final int WIDTH = 88;
  private static final int SHOWN_LETTERS = 360;

  private final JsonNode summary;
  private final StringBuilder text = new StringBuilder();

  private Account(JsonNode summary) {
    this.summary = summary;
  }

  /**
   * @param texts as in generations.jsonl; the first prompt's are shown
   */
  static String of(JsonNode summary, List<JsonNode> texts, Path folder) {
    Account account = new Account(summary);
    account.features();
    account.steering();
    account.texts(texts);
    account.line("The report:   " + folder.resolve("report.html"));
    account.line("Its figures:  " + folder.resolve("summary.json"));
    return account.text.toString();
  }

  private void features() {
    text.append('\n');
    say(
        "%,d tokens of %s's hidden states, after block %d, became %,d features. %d of them on a token hold"
            + " %.0f %% of the variance of documents it was not trained on; %s dead.",
        integer("tokens"),
        summary.path("model").asText(),
        integer("layer"),
        integer("n_features"),
        Math.round(number("l0")),
        100 * (1 - number("fvu")),
        number("dead_fraction") == 0
            ? "none is"
            : String.format(Locale.ROOT, "%.1f %% are", 100 * number("dead_fraction")));
    say(
        "The features became words, out of %,d: near its strongest activations a feature's words stand"
            + " %.1f times as often as anywhere (random words %.1f times).",
        integer("vocabulary"), number("lift_median"), number("lift_random_words"));
  }

  private void steering() {
    List<String> features = new ArrayList<>();
    summary.path("features").forEach(f -> features.add(f.asText()));
    say(
        "\"%s\" chose feature%s %s. Held up inside the model at %.2f of a hidden state's length, %s"
            + " made the words %s %.1f times as likely (%+.2f nats), while the whole prediction"
            + " moved by KL %.2f nats a token.",
        summary.path("word").asText(),
        features.size() == 1 ? "" : "s",
        String.join(", ", features),
        number("strength_relative"),
        features.size() == 1 ? "it" : "they",
        words(),
        Math.exp(number("effect_nats")),
        number("effect_nats"),
        number("kl"));
    say(
        "At the same KL: the word's plain vector, without features, %+.2f nats; random features %+.2f."
            + " Steering took %.1f %% of a token's time.",
        number("effect_word_vector_nats"),
        number("effect_random_features_nats"),
        100 * number("steer_share_of_token_time"));
  }

  private String words() {
    List<String> words = new ArrayList<>();
    summary.path("words").forEach(word -> words.add(word.asText()));
    return String.join(", ", words);
  }

  private void texts(List<JsonNode> texts) {
    String prompt = texts.isEmpty() ? "" : texts.get(0).path("prompt").asText();
    line("\"" + prompt + "\"");
    text.append('\n');
    for (JsonNode written : texts) {
      String kind = written.path("kind").asText();
      if (written.path("prompt").asText().equals(prompt)
          && (kind.equals("plain") || kind.equals("calibrate"))) {
        line("  " + (kind.equals("plain") ? "plain" : "steered"));
        wrap(shorten(written.path("text").asText()), "    ");
      }
    }
  }

  private static String shorten(String written) {
    String line = written.strip().replaceAll("\\s+", " ");
    if (line.length() <= SHOWN_LETTERS) {
      return line;
    }
    return line.substring(0, line.lastIndexOf(' ', SHOWN_LETTERS)) + " …";
  }

  private void say(String format, Object... values) {
    wrap(String.format(Locale.ROOT, format, values), "");
  }

  private void wrap(String paragraph, String indent) {
    StringBuilder line = new StringBuilder(indent);
    for (String word : paragraph.split(" ")) {
      if (line.length() + word.length() > WIDTH && line.length() > indent.length()) {
        line(line.toString().stripTrailing());
        line = new StringBuilder(indent);
      }
      line.append(word).append(' ');
    }
    line(line.toString().stripTrailing());
    text.append('\n');
  }

  private void line(String line) {
    text.append(line).append('\n');
  }

  private double number(String figure) {
    return summary.path(figure).asDouble();
  }

  private long integer(String figure) {
    return summary.path(figure).asLong();
  }
}
