package dev.coxswain.explain;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.JsonLines;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A feature's words, best first: one line of {@code E.jsonl}. */
@JsonPropertyOrder({"feature", "words"})
public record Explanation(
    @JsonProperty("feature") int feature, @JsonProperty("words") List<ExplainedWord> words) {
  private static final int LONGEST_SHOWN = 40;

  public Explanation {
    words = List.copyOf(words);
  }

  /**
   * Reads explanations, whoever made them: {@code feature} and {@code words[].word} are needed, the
   * numbers may be missing (0).
   *
   * @throws InvalidDataException naming the line; also where a feature comes twice
   */
  public static List<Explanation> readAll(Path file) {
    List<Explanation> explanations = new ArrayList<>();
    JsonLines.read(file, line -> explanations.add(parse(line, explanations)));
    if (explanations.isEmpty()) {
      throw new InvalidDataException(file + " is empty; one explanation a line is needed");
    }
    return explanations;
  }

  private static Explanation parse(JsonNode line, List<Explanation> before) {
    JsonNode feature = line.path("feature");
    if (!feature.canConvertToInt() || !feature.isIntegralNumber() || feature.intValue() < 0) {
      throw new InvalidDataException(
          "feature is " + shown(feature) + "; a feature's number is needed");
    }
    int last = before.isEmpty() ? -1 : before.get(before.size() - 1).feature();
    if (feature.intValue() <= last) {
      throw new InvalidDataException(
          "feature " + feature + " comes after feature " + last + "; ascending order is needed");
    }
    if (!line.path("words").isArray()) {
      throw new InvalidDataException(
          "words is " + shown(line.path("words")) + "; a list is needed");
    }
    List<ExplainedWord> words = new ArrayList<>();
    for (JsonNode word : line.path("words")) {
      if (!word.path("word").isTextual()) {
        throw new InvalidDataException(
            "words["
                + words.size()
                + "].word is "
                + shown(word.path("word"))
                + "; a string is needed");
      }
      words.add(
          new ExplainedWord(
              word.path("word").textValue(),
              word.path("score").asDouble(),
              word.path("p_w_given_c").asDouble(),
              word.path("log_p_c_given_w").asDouble()));
    }
    return new Explanation(feature.intValue(), words);
  }

  private static String shown(JsonNode value) {
    String text = value.isMissingNode() ? "missing" : value.toString();
    return text.length() <= LONGEST_SHOWN ? text : text.substring(0, LONGEST_SHOWN) + "…";
  }
}
