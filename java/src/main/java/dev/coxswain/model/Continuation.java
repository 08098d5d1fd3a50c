package dev.coxswain.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * What a model wrote after a prompt.
 *
 * @param text the reply
 * @param finish "end" (the model ended it), "length" (maxTokens) or "context" (no room left)
 * @param pieces of the prompt's tokens and then of the reply's; their concatenation is the whole
 *     text
 * @param activations [token][feature] under the same tokens; empty unless asked for
 * @param promptTokens of the pieces
 * @param generatedTokens the others
 * @param steeredRows rows that a plan changed, of all rows evaluated. The last token generated is
 *     evaluated only for activations.
 * @param promptSeconds until the prompt was evaluated
 * @param seconds from there to the end
 * @param hookSeconds of these, inside the steering of the layer
 */
public record Continuation(
    String text,
    String finish,
    List<String> pieces,
    List<float[]> activations,
    int promptTokens,
    int generatedTokens,
    long steeredRows,
    double promptSeconds,
    double seconds,
    double hookSeconds) {
  public Continuation {
    pieces = List.copyOf(pieces);
    activations = List.copyOf(activations);
  }

  public double tokensPerSecond() {
    return seconds > 0 ? generatedTokens / seconds : 0;
  }

  /** Share of a generated token's time that the steered layer takes. */
  public double hookShare() {
    return seconds > 0 ? hookSeconds / seconds : 0;
  }

  static Continuation of(JsonNode node) {
    List<String> pieces = new ArrayList<>();
    node.get("pieces").forEach(piece -> pieces.add(piece.asText()));
    List<float[]> activations = new ArrayList<>();
    node.path("activations").forEach(row -> activations.add(floats(row)));
    return new Continuation(
        node.get("text").asText(),
        node.get("finish").asText(),
        pieces,
        activations,
        node.get("promptTokens").asInt(),
        node.get("generatedTokens").asInt(),
        node.get("steeredRows").asLong(),
        node.get("promptSeconds").asDouble(),
        node.get("seconds").asDouble(),
        node.get("hookSeconds").asDouble());
  }

  private static float[] floats(JsonNode row) {
    float[] values = new float[row.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = row.get(i).floatValue();
    }
    return values;
  }
}
