package dev.coxswain.explain;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.List;

/**
 * A place in the text where a feature is strongly active.
 *
 * @param document its number in the harvest
 * @param position of the strongest token
 * @param activation at that token
 * @param tokens the text around it, piece by piece
 * @param activations the feature's, one a token; 0 where it is not active
 */
@JsonPropertyOrder({"document", "position", "activation", "tokens", "activations"})
public record Context(
    @JsonProperty("document") long document,
    @JsonProperty("position") int position,
    @JsonProperty("activation") float activation,
    @JsonProperty("tokens") List<String> tokens,
    @JsonProperty("activations") List<Float> activations) {
  public Context {
    tokens = List.copyOf(tokens);
    activations = List.copyOf(activations);
  }
}
