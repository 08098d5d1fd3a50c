package dev.coxswain.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.io.JsonLines;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Writes the report: one HTML file with its data, script and style inside, which loads nothing from
 * a network and whose data cannot become markup, whatever words and tokens are in it.
 */
public final class Report {
  /** Points of the training curve; a page needs no more. */
  private static final int CURVE_POINTS = 400;

  private final ReportInputs inputs;

  private Report(ReportInputs inputs) {
    this.inputs = inputs;
  }

  /**
   * Reads the inputs and writes the page whole or not at all.
   *
   * @throws InvalidDataException where a file is not what its name promises, with file and line
   */
  public static void write(ReportInputs inputs, Path out) {
    AtomicFile.writeString(out, Page.render(new Report(inputs).data()));
  }

  private ObjectNode data() {
    ReportInputs.Dictionary dictionary = inputs.dictionary();
    ObjectNode data = JsonNodeFactory.instance.objectNode();
    data.putObject("made").put("command", inputs.command());
    data.putObject("sae")
        .put("n_features", dictionary.features())
        .put("d_model", dictionary.width())
        .put("k", dictionary.k());
    ObjectNode features = FeatureTable.read(inputs);
    data.set("features", features);
    if (features.has("density")) {
      data.set("histogram", DensityHistogram.of(features.get("density")));
    }
    inputs.metrics().ifPresent(path -> data.set("training", curve(path)));
    inputs.generations().ifPresent(path -> data.set("generations", generations(path)));
    inputs.summary().ifPresent(path -> data.set("summary", Summary.read(path)));
    return data;
  }

  private static ArrayNode curve(Path metrics) {
    List<ObjectNode> points = new ArrayList<>();
    JsonLines.read(metrics, line -> curvePoint(line).ifPresent(points::add));
    ArrayNode curve = JsonNodeFactory.instance.arrayNode();
    int shown = Math.min(points.size(), CURVE_POINTS);
    for (int i = 0; i < shown; i++) {
      // The first and the last point are always among them.
      curve.add(points.get(shown < 2 ? i : (int) ((long) i * (points.size() - 1) / (shown - 1))));
    }
    return curve;
  }

  private static Optional<ObjectNode> curvePoint(JsonNode line) {
    if (!line.path("step").isNumber() || !line.path("fvu").isNumber()) {
      return Optional.empty();
    }
    ObjectNode point = JsonNodeFactory.instance.objectNode();
    point.set("step", line.get("step"));
    point.put("fvu", Rounded.digits(line.get("fvu").asDouble(), 4));
    return Optional.of(point);
  }

  private static ArrayNode generations(Path path) {
    ArrayNode texts = JsonNodeFactory.instance.arrayNode();
    JsonLines.read(path, line -> texts.add(Generation.forPage(line)));
    return texts;
  }
}
