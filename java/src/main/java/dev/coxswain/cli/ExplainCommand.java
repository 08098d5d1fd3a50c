package dev.coxswain.cli;

import dev.coxswain.Engine;
import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.explain.ExplainSettings;
import dev.coxswain.explain.Explainer;
import dev.coxswain.explain.Vocabulary;
import dev.coxswain.io.JsonLines;
import dev.coxswain.sae.SparseAutoencoder;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "explain", description = "Explain every feature by words (mutual information).")
final class ExplainCommand extends BaseCommand {
  @Mixin private SaeOptions sae;

  @Option(
      names = "--vocabulary",
      required = true,
      paramLabel = "V",
      description = "Word vectors: a safetensors file with e [V, d].")
  private Path vocabulary;

  @Option(
      names = "--words",
      paramLabel = "W.txt",
      description = "One word a line, V lines (default: V.words.txt beside V).")
  private Path words;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "E.jsonl",
      description = "One line a feature.")
  private Path output;

  @Option(names = "--top", paramLabel = "M", defaultValue = "10", description = "Words a feature.")
  private int top;

  @Option(
      names = "--objective",
      paramLabel = "mi|paper",
      defaultValue = "mi",
      description = "mi, or the published formula without the prior (paper).")
  private ExplainOptions.Objective objective;

  @Option(names = "--alpha", defaultValue = "1", description = "Temperature of p(w|c).")
  private float alpha;

  @Option(names = "--beta", defaultValue = "1", description = "Temperature of p(c|w).")
  private float beta;

  @Option(
      names = "--final-norm",
      description = "Pass features through the model's final norm (output-embedding vocabularies).")
  private boolean finalNorm;

  @Mixin private ComputeOptions compute;

  @Override
  protected void run() {
    ExplainSettings settings =
        new ExplainSettings(
            objective,
            top,
            alpha,
            beta,
            finalNorm ? ExplainSettings.Directions.FINAL_NORM : ExplainSettings.Directions.DECODER);
    Path wordsFile = words == null ? Vocabulary.wordsFile(vocabulary) : words;
    try (Engine engine = compute.openEngine();
        Vocabulary read = Vocabulary.read(vocabulary, wordsFile);
        SparseAutoencoder autoencoder = sae.open();
        JsonLines.Writer lines = JsonLines.create(output);
        Progress progress = Progress.start("explaining", 2L * autoencoder.features(), "features")) {
      new Explainer(engine.backend())
          .explain(autoencoder, read, settings, progress::update, lines::write);
      lines.commit();
      out.line("%d features explained by %d words", autoencoder.features(), read.size());
    }
  }
}
