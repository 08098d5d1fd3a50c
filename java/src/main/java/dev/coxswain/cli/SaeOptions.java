package dev.coxswain.cli;

import dev.coxswain.sae.SaeReader;
import dev.coxswain.sae.SparseAutoencoder;
import java.nio.file.Path;
import java.util.OptionalDouble;
import picocli.CommandLine.Option;

/** Which SAE: a {@code @Mixin} of every command that reads one. */
final class SaeOptions {
  @Option(
      names = "--sae",
      required = true,
      paramLabel = "DIR",
      description = "The SAE: SAELens, sparsify, Gemma Scope or Llama Scope.")
  private Path path;

  @Option(
      names = "--norm-factor",
      paramLabel = "S",
      description =
          "sqrt(d) / mean norm of the training rows, for a SAELens folder that was saved without"
              + " it (normalize_activations expected_average_only_in).")
  private Double normFactor;

  /** Reads it; the caller closes it. */
  SparseAutoencoder open() {
    return SaeReader.read(
        path, normFactor == null ? OptionalDouble.empty() : OptionalDouble.of(normFactor));
  }

  Path path() {
    return path;
  }
}
