package dev.coxswain.cli;

import dev.coxswain.Engine;
import dev.coxswain.io.TensorPlace;
import dev.coxswain.sae.RowDecoding;
import dev.coxswain.sae.SparseAutoencoder;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "decode", description = "Turn active features back into hidden states.")
final class DecodeCommand extends BaseCommand {
  @Mixin private SaeOptions sae;

  @Option(
      names = "--in",
      required = true,
      paramLabel = "A",
      description = "Active features, as encode writes them.")
  private Path in;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "X",
      description = "Reconstructed rows: file, or file.safetensors:tensor (default x); F32.")
  private String output;

  @Mixin private ComputeOptions compute;

  @Override
  protected void run() {
    TensorPlace place = TensorPlace.parse(output);
    try (Engine engine = compute.openEngine();
        SparseAutoencoder autoencoder = sae.open();
        Progress progress = Progress.start("decoding", 0, "rows")) {
      RowDecoding.Report report =
          RowDecoding.run(engine.backend(), autoencoder, in, place, progress::update);
      out.line("%d rows decoded", report.rows());
      if (report.saturated() > 0) {
        out.line("%d elements clamped to the largest finite value", report.saturated());
      }
    }
  }
}
