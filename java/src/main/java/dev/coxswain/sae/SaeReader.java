package dev.coxswain.sae;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Reads sparse autoencoders of SAELens (5 and 6), sparsify, Gemma Scope 1 and 2, and Llama Scope.
 * Every tensor and every field that matters is used or refused by name; what can't be computed
 * exactly is refused with the reason.
 */
public final class SaeReader {
  private SaeReader() {}

  /** As {@link #read(Path, OptionalDouble)} without a factor. */
  public static SparseAutoencoder read(Path path) {
    return read(path, OptionalDouble.empty());
  }

  /**
   * @param path the SAE's folder, or one of its files
   * @param normFactor s of SAELens's expected_average_only_in, √d / mean ‖x‖, for an SAE that needs
   *     it and does not hold it
   * @throws InvalidDataException where it isn't valid or can't be computed; the text names file and
   *     field
   * @throws UsageException where a factor is given that the SAE has no use for
   */
  public static SparseAutoencoder read(Path path, OptionalDouble normFactor) {
    if (normFactor.isPresent()
        && (!(normFactor.getAsDouble() > 0) || Double.isInfinite(normFactor.getAsDouble()))) {
      throw new UsageException(
          "the norm factor is " + normFactor.getAsDouble() + "; a positive number is needed");
    }
    Path folder = SaeFormat.folder(path);
    SaeFormat format = SaeFormat.of(folder);
    FormatReader reader = reader(folder, format);
    SaeDescription description = reader.describe();
    description
        .unsupported()
        .ifPresent(
            reason -> {
              throw new InvalidDataException(folder + ": " + reason);
            });
    return read(folder.resolve(format.weights()), reader, description, normFactor);
  }

  private static SparseAutoencoder read(
      Path file, FormatReader reader, SaeDescription description, OptionalDouble normFactor) {
    try (Weights weights = new Weights(opened(file, reader))) {
      weights.requireMemory();
      SparseAutoencoder.Builder builder = reader.build(weights, normFactor);
      builder.subtractsBDec(description.subtractsBDec()).metadata(description.metadata());
      requireMeanNorm(file, description.metadata());
      SparseAutoencoder sae = build(file, builder);
      weights.release();
      return sae;
    }
  }

  /** Relative strengths hang on it, so it is checked now and not when it is used. */
  private static void requireMeanNorm(Path file, Map<String, String> metadata) {
    String value = metadata.get(SparseAutoencoder.MEAN_NORM);
    if (value != null && !value.matches("[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]{1,2})?")) {
      throw new InvalidDataException(
          file + ": metadata " + SparseAutoencoder.MEAN_NORM + " is not a positive number");
    }
  }

  private static WeightFile opened(Path path, FormatReader reader) {
    WeightFile file = WeightFile.open(path);
    try {
      Weights.check(file, reader.tensors(file.tensors().keySet()));
      return file;
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static SparseAutoencoder build(Path file, SparseAutoencoder.Builder builder) {
    try {
      return builder.build();
    } catch (InvalidDataException e) {
      throw new InvalidDataException(file + ": " + e.getMessage(), e);
    }
  }

  /**
   * What a folder says of its SAE, its tensors' names and shapes checked, none read.
   *
   * @throws InvalidDataException where it isn't valid; not where it is valid and can't be computed
   */
  public static SaeDescription describe(Path path) {
    Path folder = SaeFormat.folder(path);
    SaeFormat format = SaeFormat.of(folder);
    FormatReader reader = reader(folder, format);
    if (reader.describe().unsupported().isEmpty()) {
      opened(folder.resolve(format.weights()), reader).close();
    }
    return reader.describe();
  }

  static void refuseNormFactor(OptionalDouble normFactor) {
    if (normFactor.isPresent()) {
      throw new UsageException("a norm factor is given, but only SAELens folders may need one");
    }
  }

  private static FormatReader reader(Path folder, SaeFormat format) {
    return switch (format) {
      case SAELENS -> new SaeLensReader(folder);
      case SPARSIFY -> new SparsifyReader(folder);
      case GEMMA_SCOPE_1 -> new GemmaScope1Reader(folder);
      case GEMMA_SCOPE_2 -> new GemmaScope2Reader(folder);
      case LLAMA_SCOPE -> new LlamaScopeReader(folder);
    };
  }
}
