package dev.coxswain.explain;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;

/**
 * A word of a feature's explanation.
 *
 * @param score what it was ranked by
 * @param wordGivenFeature p(w|c)
 * @param logFeatureGivenWord log p(c|w)
 */
@JsonPropertyOrder({"word", "score", "p_w_given_c", "log_p_c_given_w"})
public record ExplainedWord(
    @JsonProperty("word") String word,
    @JsonProperty("score") double score,
    @JsonProperty("p_w_given_c") double wordGivenFeature,
    @JsonProperty("log_p_c_given_w") double logFeatureGivenWord) {}
