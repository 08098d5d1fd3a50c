package dev.coxswain.backend.cpu;

import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.backend.ExplainShard;
import dev.coxswain.backend.ExplainWords;
import dev.coxswain.backend.Requirements;
import dev.coxswain.tensor.TensorView;

/** Both passes of the explanation: checks, then one native call each. */
final class CpuExplain {
  private CpuExplain() {}

  static void statistics(
      long device,
      ExplainShard shard,
      ExplainOptions options,
      TensorView rowLogSumExp,
      TensorView columns) {
    require(shard, options, rowLogSumExp, columns);
    Native.explainStatistics(
        device,
        Checks.host("U", shard.features()),
        shard.features().rows(),
        Checks.host("E", shard.words()),
        shard.words().rows(),
        shard.words().rowElements(),
        options.alpha(),
        options.beta(),
        Checks.host("row statistics", rowLogSumExp),
        Checks.host("column statistics", columns));
  }

  static void top(
      long device,
      ExplainShard shard,
      ExplainOptions options,
      TensorView rowLogSumExp,
      TensorView columns,
      ExplainWords best) {
    require(shard, options, rowLogSumExp, columns);
    Requirements.explainTop(shard, best);
    Native.explainTop(
        device,
        Checks.host("U", shard.features()),
        shard.features().rows(),
        Checks.host("E", shard.words()),
        shard.words().rows(),
        shard.words().rowElements(),
        options.alpha(),
        options.beta(),
        options.shift(),
        best.words().rowElements(),
        Checks.host("row statistics", rowLogSumExp),
        Checks.host("column statistics", columns),
        Checks.host("words", best.words()),
        Checks.host("scores", best.scores()),
        Checks.host("p(w|c)", best.wordGivenFeature()),
        Checks.host("log p(c|w)", best.logFeatureGivenWord()));
  }

  private static void require(
      ExplainShard shard, ExplainOptions options, TensorView rowLogSumExp, TensorView columns) {
    Requirements.explain(shard, options, rowLogSumExp, columns);
    if (shard.logits().isPresent()) {
      throw new IllegalArgumentException("room for logits is given; the CPU backend keeps none");
    }
  }
}
