package dev.coxswain.cli;

import dev.coxswain.Engine;
import dev.coxswain.explain.Explanation;
import dev.coxswain.explain.ExplanationEvaluation;
import dev.coxswain.io.Harvest;
import dev.coxswain.sae.SparseAutoencoder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
      print(
          ExplanationEvaluation.run(
              engine.backend(), autoencoder, read, harvest, minCount, seed, progress::update));
    }
  }

  private void print(ExplanationEvaluation quality) {
    if (json.wanted()) {
      json.print(out, asObject(quality));
      return;
    }
    out.line("median lift      %s", shown(quality.liftMedian()));
    out.line("of random words  %s  (seed %d)", shown(quality.liftRandomWords()), quality.seed());
    out.line("Diversity        %.4f  (more is better)", quality.diversity());
    out.line("Lexical          %.4f  (less is better)", quality.lexical());
    out.line("Dominate         %.4f  (less is better)", quality.dominate());
    out.line(
        "%d features, %d of them never active and %d without a word in the harvest",
        quality.features(), quality.silentFeatures(), quality.wordlessFeatures());
  }

  private static String shown(OptionalDouble value) {
    return value.isPresent()
        ? String.format(java.util.Locale.ROOT, "%.2f", value.getAsDouble())
        : "none";
  }

  private static Map<String, Object> asObject(ExplanationEvaluation quality) {
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
    return object;
  }
}
