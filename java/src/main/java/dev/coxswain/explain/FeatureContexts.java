package dev.coxswain.explain;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.List;

/**
 * A feature's strongest contexts, strongest first: one line of {@code C.jsonl}.
 *
 * @param density share of the usable rows on which the feature is active
 */
@JsonPropertyOrder({"feature", "density", "contexts"})
public record FeatureContexts(
    @JsonProperty("feature") int feature,
    @JsonProperty("density") double density,
    @JsonProperty("contexts") List<Context> contexts) {
  public FeatureContexts {
    contexts = List.copyOf(contexts);
  }
}
