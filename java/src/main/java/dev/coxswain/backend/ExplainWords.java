package dev.coxswain.backend;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;

/**
 * The M best words of each feature of a shard, best first, ties by lower word index.
 *
 * @param words I32 [f, M]
 * @param scores F64 [f, M]
 * @param wordGivenFeature p(w|c); F64 [f, M]
 * @param logFeatureGivenWord log p(c|w); F64 [f, M]
 */
public record ExplainWords(
    TensorView words,
    TensorView scores,
    TensorView wordGivenFeature,
    TensorView logFeatureGivenWord) {
  public ExplainWords {
    long f = words.rows();
    long top = words.rowElements();
    words.require("words", DType.I32, f, top);
    scores.require("scores", DType.F64, f, top);
    wordGivenFeature.require("p(w|c)", DType.F64, f, top);
    logFeatureGivenWord.require("log p(c|w)", DType.F64, f, top);
  }
}
