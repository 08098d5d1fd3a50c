package dev.coxswain.backend.cpu;

import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.backend.ExplainWords;
import dev.coxswain.tensor.DType;
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
    require(features, words, options, rowLogSumExp, columns);
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
    require(features, words, options, rowLogSumExp, columns);
    long top = best.words().rowElements();
    if (best.words().rows() != features.rows() || top < 1 || top > words.rows()) {
      throw new IllegalArgumentException(
          String.format(
              "the best words are %s; [%d, 1 to %d] is needed",
              best.words().shape(), features.rows(), words.rows()));
    }
    Native.explainTop(
        device,
        Checks.host("U", features),
        features.rows(),
        Checks.host("E", words),
        words.rows(),
        words.rowElements(),
        options.alpha(),
        options.beta(),
        shift(options),
        top,
        Checks.host("row statistics", rowLogSumExp),
        Checks.host("column statistics", columns),
        Checks.host("words", best.words()),
        Checks.host("scores", best.scores()),
        Checks.host("p(w|c)", best.wordGivenFeature()),
        Checks.host("log p(c|w)", best.logFeatureGivenWord()));
  }

  /** −log p(c), which the paper's objective leaves out. */
  private static double shift(ExplainOptions options) {
    return switch (options.objective()) {
      case MI -> StrictMath.log(options.features());
      case PAPER -> 0;
    };
  }

  private static void require(
      TensorView features,
      TensorView words,
      ExplainOptions options,
      TensorView rowLogSumExp,
      TensorView columns) {
    long width = features.rowElements();
    features.require("U", DType.F32, features.rows(), width);
    words.require("E", DType.F32, words.rows(), width);
    rowLogSumExp.require("row statistics", DType.F64, features.rows());
    columns.require("column statistics", DType.F64, words.rows(), 2);
    if (!(options.alpha() > 0 && options.beta() > 0) || options.features() < features.rows()) {
      throw new IllegalArgumentException("temperatures and F must fit: " + options);
    }
    if (words.rows() < 1 || words.rows() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("V = " + words.rows() + "; 1 to 2^31-1 is possible");
    }
  }
}
