package dev.coxswain.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.coxswain.error.InvalidDataException;

/**
 * A context as the page holds it: text where the feature is silent is one string; an active token
 * is its activation followed by the token. A window around the strongest token is kept.
 */
final class ContextRuns {
  private static final int BEFORE = 18;
  private static final int AFTER = 9;

  private ContextRuns() {}

  /**
   * @param context {@code tokens} and as many {@code activations}
   */
  static ArrayNode of(JsonNode context) {
    JsonNode tokens = context.path("tokens");
    JsonNode activations = context.path("activations");
    if (!tokens.isArray() || tokens.isEmpty() || tokens.size() != activations.size()) {
      throw new InvalidDataException(
          "a context has "
              + tokens.size()
              + " tokens and "
              + activations.size()
              + " activations; one activation a token is needed");
    }
    int centre = strongest(activations);
    int from = Math.max(0, centre - BEFORE);
    int to = Math.min(tokens.size(), centre + AFTER + 1);
    return runs(tokens, activations, from, to);
  }

  static double peak(JsonNode context) {
    JsonNode activations = context.path("activations");
    return activations.isEmpty() ? 0 : activations.get(strongest(activations)).asDouble();
  }

  private static ArrayNode runs(JsonNode tokens, JsonNode activations, int from, int to) {
    ArrayNode runs = JsonNodeFactory.instance.arrayNode();
    StringBuilder silent = new StringBuilder();
    for (int i = from; i < to; i++) {
      double activation = activations.get(i).asDouble();
      if (activation > 0) {
        flush(silent, runs);
        runs.add(Rounded.digits(activation, 3)).add(tokens.get(i).asText());
      } else {
        silent.append(tokens.get(i).asText());
      }
    }
    flush(silent, runs);
    return runs;
  }

  private static void flush(StringBuilder silent, ArrayNode runs) {
    if (!silent.isEmpty()) {
      runs.add(silent.toString());
      silent.setLength(0);
    }
  }

  private static int strongest(JsonNode activations) {
    int best = 0;
    for (int i = 1; i < activations.size(); i++) {
      if (activations.get(i).asDouble() > activations.get(best).asDouble()) {
        best = i;
      }
    }
    return best;
  }
}
