package dev.coxswain.backend;

import dev.coxswain.tensor.TensorView;
import java.util.Optional;

/**
 * What both passes of the explanation read: a shard of features against all words.
 *
 * @param features U; F32 [f, d]
 * @param words E; F32 [V, d]
 * @param logits room of {@link Backend#explainLogits}, where there is one: the first pass leaves
 *     the shard's logits there, the second reads them instead of U, which may lie anywhere then
 */
public record ExplainShard(TensorView features, TensorView words, Optional<TensorView> logits) {
  /** Without room for logits. */
  public ExplainShard(TensorView features, TensorView words) {
    this(features, words, Optional.empty());
  }
}
