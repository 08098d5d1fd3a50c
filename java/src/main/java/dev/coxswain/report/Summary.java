package dev.coxswain.report;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.Json;
import java.nio.file.Path;

/** The figures of a run, shown as they are. */
final class Summary {
  private Summary() {}

  static JsonNode read(Path path) {
    JsonNode summary = Json.read(path);
    if (!summary.isObject()) {
      throw new InvalidDataException(path + " holds no JSON object; a run's figures are needed");
    }
    return summary;
  }
}
