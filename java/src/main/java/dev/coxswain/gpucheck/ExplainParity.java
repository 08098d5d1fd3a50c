package dev.coxswain.gpucheck;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.backend.ExplainShard;
import dev.coxswain.backend.ExplainWords;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Explanation by both objectives, in two shards of features. */
final class ExplainParity {
  private static final int BEST = 10;

  private final CheckSize size;
  private final long seed;

  ExplainParity(CheckSize size, long seed) {
    this.size = size;
    this.seed = seed;
  }

  void run(Comparison comparison) {
    Draw draw = new Draw(seed);
    float range = (float) Math.sqrt(3.0 / size.width());
    try (HostTensor features = draw.floats(range, size.explained(), size.width());
        HostTensor words = draw.floats(20 * range, size.words(), size.width())) {
      for (ExplainOptions.Objective objective : ExplainOptions.Objective.values()) {
        String name =
            String.format(
                Locale.ROOT,
                "d %d, F %d, V %d, %s",
                size.width(),
                size.explained(),
                size.words(),
                objective);
        comparison.compare(
            "explain",
            name,
            seed,
            (side, outcome) -> {
              explain(side, outcome, side.copy(features), side.copy(words), objective);
            });
      }
    }
  }

  private void explain(
      Side side,
      Outcome outcome,
      TensorView features,
      TensorView words,
      ExplainOptions.Objective objective) {
    Backend backend = side.backend();
    ExplainOptions options = new ExplainOptions(objective, 1, 1, size.explained());
    TensorView statistics = side.allocate(DType.F64, size.explained());
    TensorView columns = columns(side, size.words());
    ExplainWords best = allocateBest(side, size.explained());
    List<Shard> shards = shards(side, features, words, objective);
    for (Shard shard : shards) {
      backend.explainStatistics(
          shard.tensors(), options, statistics.rows(shard.from(), shard.to()), columns);
    }
    for (Shard shard : shards) {
      backend.explainTop(
          shard.tensors(),
          options,
          statistics.rows(shard.from(), shard.to()),
          columns,
          rows(best, shard.from(), shard.to()));
    }
    outcome.add("rows' log-sum-exp", statistics);
    outcome.add("columns' statistics", columns);
    outcome.add("words", best.words());
    outcome.add("scores", best.scores());
    outcome.add("p(w|c)", best.wordGivenFeature());
    outcome.add("log p(c|w)", best.logFeatureGivenWord());
  }

  private record Shard(ExplainShard tensors, long from, long to) {}

  /** Two of them; the one objective's logits are kept where the backend offers it. */
  private List<Shard> shards(
      Side side, TensorView features, TensorView words, ExplainOptions.Objective objective) {
    long tile = Backend.EXPLAIN_TILE;
    long cut = Math.min(size.explained(), (size.explained() / 2 + tile - 1) / tile * tile);
    boolean keep = objective == ExplainOptions.Objective.MI;
    return List.of(
        shard(side, features, words, 0, cut, keep),
        shard(side, features, words, cut, size.explained(), keep));
  }

  private static Shard shard(
      Side side, TensorView features, TensorView words, long from, long to, boolean keep) {
    Optional<TensorView> logits =
        keep ? side.explainLogits(to - from, words.rows()) : Optional.empty();
    return new Shard(new ExplainShard(features.rows(from, to), words, logits), from, to);
  }

  /** (−∞, 0) for each word. */
  static TensorView columns(Side side, int words) {
    try (HostTensor empty = HostTensor.allocate(DType.F64, words, 2)) {
      for (long word = 0; word < words; word++) {
        HostMemory.putDouble(empty.view().address() + 16 * word, Double.NEGATIVE_INFINITY);
      }
      return side.copy(empty);
    }
  }

  static ExplainWords allocateBest(Side side, int features) {
    return new ExplainWords(
        side.allocate(DType.I32, features, BEST),
        side.allocate(DType.F64, features, BEST),
        side.allocate(DType.F64, features, BEST),
        side.allocate(DType.F64, features, BEST));
  }

  private static ExplainWords rows(ExplainWords best, long from, long to) {
    return new ExplainWords(
        best.words().rows(from, to),
        best.scores().rows(from, to),
        best.wordGivenFeature().rows(from, to),
        best.logFeatureGivenWord().rows(from, to));
  }
}
