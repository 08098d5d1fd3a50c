package dev.coxswain.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.Json;
import dev.coxswain.io.SafetensorsFile;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.io.SafetensorsWriter.Declaration;
import dev.coxswain.tensor.TensorView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * All a run needs to go on as if it had never stopped: its tensors, and what stands here. One
 * safetensors file, replaced whole.
 *
 * @param options by name
 * @param data the rows' fingerprint
 * @param step steps done
 * @param position of the next row
 * @param metricsBytes length of the metrics file at that moment
 * @param survey of the rows
 */
record Checkpoint(
    Map<String, String> options,
    String data,
    long step,
    RowStream.Position position,
    long metricsBytes,
    Survey survey) {
  private static final String KEY = "coxswain.checkpoint";

  static Path in(Path folder) {
    return folder.resolve("checkpoint.safetensors");
  }

  static boolean exists(Path folder) {
    return Files.exists(in(folder));
  }

  /** Replaces the folder's checkpoint, whole or not at all. */
  void write(Path folder, TrainingState state) {
    List<Declaration> declarations = new ArrayList<>();
    state
        .tensors()
        .forEach((name, t) -> declarations.add(new Declaration(name, t.dtype(), t.shape())));
    Map<String, String> metadata = Map.of(KEY, toJson());
    try (SafetensorsWriter writer = SafetensorsWriter.create(in(folder), declarations, metadata)) {
      for (String name : state.tensors().keySet()) {
        state.read(name, rows -> writer.append(name, rows));
      }
      writer.commit();
    }
  }

  /** What the folder's checkpoint says, without its tensors. */
  static Checkpoint read(Path folder) {
    Path path = in(folder);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      String json = file.metadata().get(KEY);
      if (json == null) {
        throw new InvalidDataException(path + " is no checkpoint of a training run");
      }
      return fromJson(Json.parse(json, path.toString()), path);
    }
  }

  /** Fills {@code state} from the folder's checkpoint. */
  static void load(Path folder, TrainingState state) {
    try (SafetensorsFile file = SafetensorsFile.open(in(folder))) {
      for (Map.Entry<String, TensorView> tensor : state.tensors().entrySet()) {
        String name = tensor.getKey();
        requireShape(file, name, tensor.getValue());
        state.write(name, (from, rows) -> file.readRows(name, from, from + rows.rows(), rows));
      }
    }
  }

  private static void requireShape(SafetensorsFile file, String name, TensorView wanted) {
    var entry = file.entry(name);
    if (entry.dtype() != wanted.dtype() || !entry.shape().equals(wanted.shape())) {
      throw new InvalidDataException(
          file.path()
              + ": "
              + name
              + " is "
              + entry
              + "; "
              + wanted.dtype()
              + " "
              + wanted.shape()
              + " is needed");
    }
  }

  static void delete(Path folder) {
    try {
      Files.deleteIfExists(in(folder));
    } catch (IOException e) {
      throw FileException.of("cannot remove", in(folder), e);
    }
  }

  /**
   * @throws UsageException that names the first option which differs from the earlier run's
   * @throws InvalidDataException where the rows are others
   */
  static void requireSame(
      Map<String, String> before, String dataBefore, Map<String, String> now, String dataNow) {
    now.forEach(
        (name, value) -> {
          if (!value.equals(before.get(name))) {
            throw new UsageException(
                name + " is " + value + ", but the run to resume has " + before.get(name));
          }
        });
    if (!dataNow.equals(dataBefore)) {
      throw new InvalidDataException(
          "the rows are not those of the run to resume: they are "
              + dataNow
              + ", were "
              + dataBefore);
    }
  }

  private String toJson() {
    ObjectNode json = Json.mapper().createObjectNode();
    json.set("options", Json.mapper().valueToTree(options));
    json.put("data", data).put("step", step).put("epoch", position.epoch());
    json.put("window", position.window()).put("offset", position.offset());
    json.put("metrics_bytes", metricsBytes).put("mean_norm", survey.meanNorm());
    // As bits: the limit may be infinite, which JSON has no number for.
    json.put("massive_limit_bits", Double.doubleToLongBits(survey.massiveLimit()));
    json.set("rows", Json.mapper().valueToTree(survey.counts()));
    ArrayNode center = json.putArray("center");
    for (double value : survey.center()) {
      center.add(value);
    }
    return json.toString();
  }

  private static Checkpoint fromJson(JsonNode json, Path path) {
    try {
      Map<String, String> options = new java.util.LinkedHashMap<>();
      json.required("options")
          .properties()
          .forEach(option -> options.put(option.getKey(), option.getValue().asText()));
      double[] center = Json.mapper().treeToValue(json.required("center"), double[].class);
      RowCounts counts = Json.mapper().treeToValue(json.required("rows"), RowCounts.class);
      double limit = Double.longBitsToDouble(json.required("massive_limit_bits").asLong());
      Survey survey = new Survey(json.required("mean_norm").asDouble(), limit, counts, center);
      RowStream.Position position =
          new RowStream.Position(
              json.required("epoch").asLong(),
              json.required("window").asInt(),
              json.required("offset").asInt());
      return new Checkpoint(
          options,
          json.required("data").asText(),
          json.required("step").asLong(),
          position,
          json.required("metrics_bytes").asLong(),
          survey);
    } catch (IllegalArgumentException | com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new InvalidDataException(path + " is no checkpoint that can be resumed", e);
    }
  }
}
