package dev.coxswain.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.coxswain.io.Json;
import java.util.Map;
import picocli.CommandLine.Option;

/** {@code --json}: a {@code @Mixin} of commands that offer their result as one JSON object. */
final class JsonOption {
  @Option(names = "--json", description = "Print the result as one JSON object.")
  private boolean json;

  /** Whether the result is to be JSON, and nothing else may be printed to standard output. */
  boolean wanted() {
    return json;
  }

  /**
   * Prints the object, in the order of its entries.
   *
   * @param object strings, numbers, booleans, lists and maps of these, and Jackson's nodes
   */
  void print(Output out, Map<String, ?> object) {
    try {
      out.line(Json.mapper().writeValueAsString(object));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not a JSON object: " + e.getMessage(), e);
    }
  }
}
