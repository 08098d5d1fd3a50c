package dev.coxswain.backend.cpu;

import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.backend.ExplainWords;
import dev.coxswain.backend.Requirements;
import dev.coxswain.tensor.TensorView;

/** Both passes of the explanation: checks, then one native call each. */
final class CpuExplain {
  private CpuExplain() {}

  static void statistics(
      long device,
      TensorView features,
      TensorView words,
      ExplainOptions options,
      TensorView rowLogSumExp,
      TensorView columns) {
    Requirements.explain(features, words, options, rowLogSumExp, columns);
    Native.explainStatistics(
        device,
        Checks.host("U", features),
        features.rows(),
        Checks.host("E", words),
        words.rows(),
        words.rowElements(),
        options.alpha(),
        options.beta(),
        Checks.host("row statistics", rowLogSumExp),
        Checks.host("column statistics", columns));
  }

  static void top(
      long device,
      TensorView features,
      TensorView words,
      ExplainOptions options,
      TensorView rowLogSumExp,
      TensorView columns,
      ExplainWords best) {
    Requirements.explain(features, words, options, rowLogSumExp, columns);
    Requirements.explainTop(features, words, best);
    Native.explainTop(
        device,
        Checks.host("U", features),
        features.rows(),
        Checks.host("E", words),
        words.rows(),
        words.rowElements(),
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
}
