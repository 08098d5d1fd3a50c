package dev.coxswain.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.io.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Runs steps in order, or takes their kept results. A step's key is a hash of its settings and of
 * the key of the step before: the same key and all outputs there means that it need not run again.
 */
final class StepRunner {
  /** Change it when a step computes something else with the same settings. */
  private static final String GENERATION = "1";

  private final Path records;
  private final Listener listener;
  private final ObjectNode figures = JsonNodeFactory.instance.objectNode();
  private final ObjectNode seconds = JsonNodeFactory.instance.objectNode();

  /**
   * @param records the folder, which exists, where each step's key, time and figures are kept
   */
  StepRunner(Path records, Listener listener) {
    this.records = records;
    this.listener = listener;
  }

  /** The figures of all steps, with {@code seconds} by step. */
  ObjectNode run(List<Step> steps) {
    String key = GENERATION;
    int number = 0;
    for (Step step : steps) {
      listener.begins(++number, steps.size(), step.title());
      key = hash(key, step);
      Optional<ObjectNode> kept = kept(step, key);
      ObjectNode record = kept.isPresent() ? kept.get() : compute(step, key);
      figures.setAll((ObjectNode) record.get("figures"));
      seconds.set(step.name(), record.get("seconds"));
      listener.ends(
          kept.isPresent() ? Listener.Outcome.KEPT : Listener.Outcome.DONE,
          record.get("seconds").asDouble(),
          step.result((ObjectNode) record.get("figures")));
    }
    ObjectNode all = figures.deepCopy();
    all.set("seconds", seconds);
    return all;
  }

  private ObjectNode compute(Step step, String key) {
    drop(step);
    long start = System.nanoTime();
    ObjectNode own = step.run(figures.deepCopy(), listener);
    requireOutputs(step);
    ObjectNode record = JsonNodeFactory.instance.objectNode().put("key", key);
    record.put("seconds", Math.round((System.nanoTime() - start) / 1e7) / 100.0);
    record.set("figures", own);
    AtomicFile.writeString(file(step), record.toPrettyString() + "\n");
    return record;
  }

  /** An old record must not outlive the files that are about to be replaced. */
  private void drop(Step step) {
    try {
      Files.deleteIfExists(file(step));
    } catch (IOException e) {
      throw FileException.of("cannot remove", file(step), e);
    }
  }

  private static void requireOutputs(Step step) {
    for (Path output : step.outputs()) {
      if (!Files.exists(output)) {
        throw new IllegalStateException(step.name() + " ended without " + output);
      }
    }
  }

  private Optional<ObjectNode> kept(Step step, String key) {
    if (!Files.exists(file(step)) || !step.outputs().stream().allMatch(Files::exists)) {
      return Optional.empty();
    }
    JsonNode record = Json.read(file(step));
    if (!record.path("figures").isObject() || !record.path("seconds").isNumber()) {
      throw new InvalidDataException(
          file(step) + " is not a step's record; --fresh starts the demo over");
    }
    return key.equals(record.path("key").asText())
        ? Optional.of((ObjectNode) record)
        : Optional.empty();
  }

  private Path file(Step step) {
    return records.resolve(step.name() + ".json");
  }

  private static String hash(String before, Step step) {
    JsonNode settings = Json.mapper().valueToTree(new TreeMap<>(step.settings()));
    String text = before + "\n" + step.name() + "\n" + settings;
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
