package dev.coxswain.report;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.io.Json;
import dev.coxswain.io.JsonLines;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/** The files of a run, in the formats a run writes, with words and tokens of one's choice. */
final class SyntheticRun {
  static final List<String> WORDS =
      List.of("school", "teacher", "war", "church", "money", "water", "river", "night", "song");

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  final int features;
  final Path folder;
  private final Random random;

  SyntheticRun(Path folder, int features, long seed) {
    this.folder = folder;
    this.features = features;
    this.random = new Random(seed);
  }

  /** All files of a run. */
  ReportInputs write(IntFunction<String> firstWord, String token) {
    writeExplanations(firstWord);
    writeContexts(token, 10, 48);
    writeMetrics();
    writeGenerations(token);
    writeSummary(summary());
    return ReportInputs.of(dictionary(), folder.resolve("explanations.jsonl"))
        .contexts(Optional.of(folder.resolve("contexts.jsonl")))
        .metrics(Optional.of(folder.resolve("metrics.jsonl")))
        .summary(Optional.of(folder.resolve("summary.json")))
        .generations(Optional.of(folder.resolve("generations.jsonl")))
        .build();
  }

  ReportInputs.Dictionary dictionary() {
    return new ReportInputs.Dictionary(features, 576, 32);
  }

  void writeExplanations(IntFunction<String> firstWord) {
    writeLines(
        "explanations.jsonl",
        writer -> {
          for (int f = 0; f < features; f++) {
            ObjectNode line = JSON.objectNode().put("feature", f);
            ArrayNode words = line.putArray("words");
            words.addObject().put("word", firstWord.apply(f)).put("score", 0.5);
            for (int i = 1; i < 8; i++) {
              words.addObject().put("word", WORDS.get(random.nextInt(WORDS.size())));
            }
            writer.write(line);
          }
        });
  }

  void writeContexts(String token, int contexts, int length) {
    writeLines(
        "contexts.jsonl",
        writer -> {
          for (int f = 0; f < features; f++) {
            ObjectNode line = JSON.objectNode().put("feature", f);
            line.put("density", f == 1 ? 0 : Math.pow(10, -2.3 + 0.5 * random.nextGaussian()));
            ArrayNode list = line.putArray("contexts");
            for (int c = 0; c < contexts; c++) {
              tokens(list.addObject(), token, length);
            }
            writer.write(line);
          }
        });
  }

  private void tokens(ObjectNode node, String token, int length) {
    ArrayNode tokens = node.putArray("tokens");
    ArrayNode activations = node.putArray("activations");
    for (int t = 0; t < length; t++) {
      boolean active = t == length / 2 || random.nextInt(16) == 0;
      tokens.add(t == length / 2 ? token : " " + WORDS.get(random.nextInt(WORDS.size())));
      activations.add(active ? 3 + 20 * random.nextFloat() : 0);
    }
  }

  void writeMetrics() {
    writeLines(
        "metrics.jsonl",
        writer -> {
          for (int step = 1; step <= 600; step++) {
            double fvu = 0.25 + 0.75 * Math.exp(-step / 60.0);
            writer.write(JSON.objectNode().put("step", step).put("loss", fvu).put("fvu", fvu));
          }
        });
  }

  void writeGenerations(String token) {
    writeLines(
        "generations.jsonl",
        writer -> {
          for (String prompt : List.of("Write a story about a trip.", "What happened today?")) {
            for (String kind : List.of("plain", "calibrate", "amplify", "remove", "word_vector")) {
              ObjectNode line = JSON.objectNode().put("prompt", prompt).put("kind", kind);
              tokens(line, token, 60);
              writer.write(line);
            }
          }
        });
  }

  ObjectNode summary() {
    ObjectNode summary = JSON.objectNode().put("model", "A-Small-Model").put("layer", 14);
    summary.put("tokens", 200_312).put("n_features", features).put("d_model", 576).put("k", 32);
    summary.put("fvu", 0.2631).put("l0", 31.98).put("dead_fraction", 0.0).put("vocabulary", 1896);
    summary.put("lift_median", 5.61).put("lift_random_words", 0.71).put("word", "school");
    summary.putArray("features").add(0).add(2);
    summary.putArray("words").add("school").add("teacher");
    summary.put("strength_relative", 0.25).put("effect_nats", 1.412).put("kl", 0.248);
    summary.put("effect_random_features_nats", -0.08).put("effect_word_vector_nats", 1.52);
    summary.put("kl_budget", 0.3).put("steer_share_of_token_time", 0.021);
    summary.putObject("seconds").put("harvest", 131.2).put("train", 38.4);
    ArrayNode tuning = summary.putArray("tuning");
    for (double r : new double[] {0.15, 0.25, 0.35}) {
      tuning
          .addObject()
          .put("method", "features")
          .put("strength_relative", r)
          .put("effect_nats", 5 * r)
          .put("kl", 4 * r * r)
          .put("nll", 3.4 + r);
    }
    return summary;
  }

  void writeSummary(ObjectNode summary) {
    AtomicFile.writeString(folder.resolve("summary.json"), summary.toPrettyString());
  }

  private void writeLines(String name, Consumer<JsonLines.Writer> body) {
    try (JsonLines.Writer writer = JsonLines.create(folder.resolve(name))) {
      body.accept(writer);
      writer.commit();
    }
  }

  /** The data a written page holds. */
  static ObjectNode dataOf(String page) {
    String open = "<script type=\"application/json\" id=\"data\">";
    int from = page.indexOf(open) + open.length();
    return (ObjectNode) Json.parse(page.substring(from, page.indexOf("</script>", from)), "page");
  }
}
