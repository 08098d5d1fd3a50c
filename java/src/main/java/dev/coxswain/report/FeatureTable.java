package dev.coxswain.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.JsonLines;
import java.nio.file.Path;

/** Words, density and contexts of every feature, as columns in feature order. */
final class FeatureTable {
  /** Contexts of a feature on the page. */
  private static final int CONTEXTS = 5;

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final int features;

  private FeatureTable(int features) {
    this.features = features;
  }

  static ObjectNode read(ReportInputs inputs) {
    FeatureTable table = new FeatureTable(inputs.dictionary().features());
    ObjectNode columns = JSON.objectNode();
    columns.set("words", table.words(inputs.explanations()));
    inputs.contexts().ifPresent(path -> table.addContexts(path, columns));
    return columns;
  }

  private ArrayNode words(Path path) {
    ArrayNode column = JSON.arrayNode(features);
    JsonLines.read(
        path,
        line -> {
          requireFeature(line, column.size());
          ArrayNode words = column.addArray();
          line.path("words").forEach(word -> words.add(word.path("word").asText()));
        });
    if (column.size() != features) {
      throw new InvalidDataException(
          path + " explains " + column.size() + " features, the autoencoder has " + features);
    }
    return column;
  }

  private void requireFeature(JsonNode line, int expected) {
    JsonNode feature = line.path("feature");
    if (!feature.isInt() || feature.asInt() != expected || expected >= features) {
      throw new InvalidDataException(
          "feature is "
              + (feature.isMissingNode() ? "missing" : feature.toString())
              + "; one line a feature, 0 to "
              + (features - 1)
              + " in order, is needed");
    }
  }

  /** Features without a line have no contexts: they never fired. */
  private void addContexts(Path path, ObjectNode columns) {
    ArrayNode[] contexts = new ArrayNode[features];
    double[] peaks = new double[features];
    double[] density = new double[features];
    JsonLines.read(
        path,
        line -> {
          int feature = contextFeature(line);
          contexts[feature] = JSON.arrayNode();
          density[feature] = line.path("density").asDouble();
          for (JsonNode context : line.path("contexts")) {
            if (contexts[feature].size() < CONTEXTS) {
              contexts[feature].add(ContextRuns.of(context));
              peaks[feature] = Math.max(peaks[feature], ContextRuns.peak(context));
            }
          }
        });
    ArrayNode contextColumn = columns.putArray("contexts");
    ArrayNode peakColumn = columns.putArray("peak");
    ArrayNode densityColumn = columns.putArray("density");
    for (int f = 0; f < features; f++) {
      contextColumn.add(contexts[f] == null ? JSON.arrayNode() : contexts[f]);
      peakColumn.add(Rounded.digits(peaks[f], 3));
      densityColumn.add(Rounded.digits(density[f], 2));
    }
  }

  private int contextFeature(JsonNode line) {
    JsonNode feature = line.path("feature");
    if (!feature.isInt() || feature.asInt() < 0 || feature.asInt() >= features) {
      throw new InvalidDataException(
          "feature is "
              + (feature.isMissingNode() ? "missing" : feature.toString())
              + "; 0 to "
              + (features - 1)
              + " is needed");
    }
    return feature.asInt();
  }
}
