package dev.coxswain.cli;

import dev.coxswain.error.UsageException;
import dev.coxswain.explain.ExplainedWord;
import dev.coxswain.explain.Explanation;
import dev.coxswain.io.Harvest;
import dev.coxswain.model.LlamaProcess;
import dev.coxswain.model.MeasureRequest;
import dev.coxswain.model.SteeringEffect;
import dev.coxswain.sae.SparseAutoencoder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import picocli.CommandLine.Option;

/** The model's own verdict on explanations: a {@code @Mixin} of {@code evaluate-explanations}. */
final class EffectOptions {
  private static final int STRETCHES = 4;
  private static final int STRETCH_TOKENS = 96;

  @Option(
      names = "--model",
      paramLabel = "M.gguf",
      description =
          "Also measure the steering effect, on this model or a name of 'cox model list'.")
  private String model;

  @Option(
      names = "--effect-features",
      paramLabel = "N",
      defaultValue = "24",
      description = "Features to measure the steering effect of (default: 24).")
  private int most;

  /** The effect, where a model was named. */
  Optional<SteeringEffect> measure(
      Path saePath,
      SparseAutoencoder sae,
      List<Explanation> explanations,
      Harvest harvest,
      long seed,
      ComputeOptions compute,
      Consumer<Double> progress) {
    if (model == null) {
      return Optional.empty();
    }
    if (most < 1 || most > 200) {
      throw new UsageException("--effect-features must be from 1 to 200, was " + most);
    }
    Map<Integer, List<String>> words = new LinkedHashMap<>();
    explanations.forEach(
        explanation ->
            words.put(
                explanation.feature(),
                explanation.words().stream().map(ExplainedWord::word).distinct().toList()));
    try (LlamaProcess process = ModelOptions.start(model, compute)) {
      SteeringEffect.Question question =
          new SteeringEffect.Question(
              harvest.layer(),
              saePath,
              sae,
              words,
              most,
              harvest.meanNorm(),
              passages(harvest),
              seed);
      return Optional.of(SteeringEffect.measure(process, question, progress));
    }
  }

  /** Stretches of the harvest's text, evenly spaced. */
  private static List<MeasureRequest.Passage> passages(Harvest harvest) {
    List<MeasureRequest.Passage> passages = new ArrayList<>();
    long rows = harvest.rows();
    for (int i = 0; i < STRETCHES; i++) {
      long from = i * rows / STRETCHES;
      long to = Math.min(rows, from + STRETCH_TOKENS);
      long[] documents = harvest.documents(from, to);
      int[] tokens = harvest.tokens(from, to);
      StringBuilder text = new StringBuilder();
      for (int t = 0; t < tokens.length && documents[t] == documents[0]; t++) {
        text.append(harvest.pieces().get(tokens[t]));
      }
      passages.add(new MeasureRequest.Text(text.toString()));
    }
    return passages;
  }
}
