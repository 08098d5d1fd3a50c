package dev.coxswain.cli;

import dev.coxswain.Engine;
import dev.coxswain.explain.Explanation;
import dev.coxswain.explain.ExplanationEvaluation;
import dev.coxswain.io.Harvest;
import dev.coxswain.model.SteeringEffect;
import dev.coxswain.sae.SparseAutoencoder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "evaluate-explanations",
    description = "Measure how well words explain features, beside random words.")
final class EvaluateExplanationsCommand extends BaseCommand {
  @Mixin private SaeOptions sae;

  @Option(
      names = "--explanations",
      required = true,
      paramLabel = "E.jsonl",
      description = "One line a feature.")
  private Path explanations;

  @Option(
      names = "--in",
      required = true,
      paramLabel = "HARVEST",
      description = "A harvest's folder.")
  private Path in;

  @Option(
      names = "--min-count",
      paramLabel = "N",
      defaultValue = "8",
      description = "Occurrences that make a word of the harvest count.")
  private int minCount;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "Of the random words.")
  private long seed;

  @Mixin private EffectOptions effect;
  @Mixin private ComputeOptions compute;
  @Mixin private JsonOption json;

  @Override
  protected void run() {
    requireAtLeast("--min-count", minCount, 1);
    List<Explanation> read = Explanation.readAll(explanations);
    try (Engine engine = compute.openEngine();
        SparseAutoencoder autoencoder = sae.open();
        Harvest harvest = Harvest.open(in);
        Progress progress = Progress.start("encoding", harvest.rows(), "rows")) {
      ExplanationEvaluation quality =
          ExplanationEvaluation.run(
              engine.backend(), autoencoder, read, harvest, minCount, seed, progress::update);
      print(
          quality,
          effect.measure(
              sae.path(), autoencoder, read, harvest, seed, compute, share -> progress.update(0)));
    }
  }

  private void print(ExplanationEvaluation quality, Optional<SteeringEffect> effect) {
    if (json.wanted()) {
      json.print(out, asObject(quality, effect));
      return;
    }
    out.line("median lift      %s", shown(quality.liftMedian()));
    out.line("of random words  %s  (seed %d)", shown(quality.liftRandomWords()), quality.seed());
    out.line("Diversity        %.4f  (more is better)", quality.diversity());
    out.line("Lexical          %.4f  (less is better)", quality.lexical());
    out.line("Dominate         %.4f  (less is better)", quality.dominate());
    effect.ifPresent(
        some -> {
          out.line("steering effect  %+.3f nats  (KL %.3f)", some.effectMedian(), some.klMedian());
          out.line(
              "of random words  %+.3f nats  (%d features, strength %.2f)",
              some.effectRandomWords(), some.features(), some.strengthRelative());
        });
    out.line(
        "%d features, %d of them never active and %d without a word in the harvest",
        quality.features(), quality.silentFeatures(), quality.wordlessFeatures());
  }

  private static String shown(OptionalDouble value) {
    return value.isPresent()
        ? String.format(java.util.Locale.ROOT, "%.2f", value.getAsDouble())
        : "none";
  }

  private static Map<String, Object> asObject(
      ExplanationEvaluation quality, Optional<SteeringEffect> effect) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("features", quality.features());
    object.put("silent_features", quality.silentFeatures());
    object.put("wordless_features", quality.wordlessFeatures());
    quality.liftMedian().ifPresent(lift -> object.put("lift_median", lift));
    quality.liftRandomWords().ifPresent(lift -> object.put("lift_random_words", lift));
    object.put("seed", quality.seed());
    object.put("vocabulary", quality.vocabulary());
    object.put("diversity", quality.diversity());
    object.put("lexical", quality.lexical());
    object.put("dominate", quality.dominate());
    effect.ifPresent(
        some -> {
          object.put("effect_median_nats", some.effectMedian());
          object.put("effect_random_words_nats", some.effectRandomWords());
          object.put("effect_kl_median", some.klMedian());
          object.put("effect_features", some.features());
          object.put("effect_strength_relative", some.strengthRelative());
        });
    return object;
  }
}
