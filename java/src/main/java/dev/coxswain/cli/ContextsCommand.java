package dev.coxswain.cli;

import dev.coxswain.Engine;
import dev.coxswain.explain.Contexts;
import dev.coxswain.io.Harvest;
import dev.coxswain.io.JsonLines;
import dev.coxswain.sae.SparseAutoencoder;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "contexts", description = "Find each feature's strongest real contexts.")
final class ContextsCommand extends BaseCommand {
  @Mixin private SaeOptions sae;

  @Option(
      names = "--in",
      required = true,
      paramLabel = "HARVEST",
      description = "A harvest's folder.")
  private Path in;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "C.jsonl",
      description = "One line a feature.")
  private Path output;

  @Option(
      names = "--top",
      paramLabel = "N",
      defaultValue = "10",
      description = "Contexts a feature.")
  private int top;

  @Mixin private ComputeOptions compute;

  @Override
  protected void run() {
    requireAtLeast("--top", top, 1);
    try (Engine engine = compute.openEngine();
        SparseAutoencoder autoencoder = sae.open();
        Harvest harvest = Harvest.open(in);
        JsonLines.Writer lines = JsonLines.create(output);
        Progress progress = Progress.start("encoding", harvest.rows(), "rows")) {
      Contexts.collect(engine.backend(), autoencoder, harvest, top, progress::update, lines::write);
      lines.commit();
      out.line("contexts of %d features from %d rows", autoencoder.features(), harvest.rows());
    }
  }
}
