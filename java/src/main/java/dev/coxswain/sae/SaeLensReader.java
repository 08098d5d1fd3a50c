package dev.coxswain.sae;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.sae.SaeLensConfig.Norm;
import dev.coxswain.sae.Weights.Layout;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/** SAELens: cfg.json and sae_weights.safetensors, final folders and checkpoints. */
final class SaeLensReader implements FormatReader {
  private final Path folder;
  private final SaeLensConfig config;
  private final SaeDescription description;

  SaeLensReader(Path folder) {
    this.folder = folder;
    this.config = SaeLensConfig.read(folder.resolve(SaeFormat.SAELENS.config()));
    this.description = config.describe();
  }

  @Override
  public SaeDescription describe() {
    return description;
  }

  @Override
  public Map<String, Shape> tensors(Set<String> present) {
    int features = description.features();
    int width = description.width();
    Map<String, Shape> shapes = new LinkedHashMap<>();
    shapes.put("W_enc", Shape.of(width, features));
    shapes.put("b_enc", Shape.of(features));
    shapes.put("W_dec", Shape.of(features, width));
    shapes.put("b_dec", Shape.of(width));
    if (config.architecture().equals("jumprelu")) {
      shapes.put(thresholdName(present), Shape.of(features));
    }
    if (present.contains("scaling_factor")) {
      shapes.put("scaling_factor", Shape.of(features));
    }
    return shapes;
  }

  /** Training checkpoints may hold its logarithm. */
  private static String thresholdName(Set<String> present) {
    boolean logarithm = !present.contains("threshold") && present.contains("log_threshold");
    return logarithm ? "log_threshold" : "threshold";
  }

  @Override
  public SparseAutoencoder.Builder build(Weights weights, OptionalDouble normFactor) {
    OptionalDouble factor = normFactor(normFactor);
    int features = description.features();
    int width = description.width();
    HostTensor wEnc = weights.matrix("W_enc", features, width, Layout.BY_WIDTH);
    HostTensor bEnc = weights.vector("b_enc", features);
    HostTensor wDec = weights.matrix("W_dec", features, width, Layout.BY_FEATURE);
    HostTensor bDec = weights.vector("b_dec", width);
    foldDecodeScale(weights, wDec);
    if (factor.isPresent()) {
      Folding.scale(wEnc, factor.getAsDouble());
      Folding.scale(wDec, 1 / factor.getAsDouble());
      Folding.scale(bDec, 1 / factor.getAsDouble());
    }
    if (config.rescalesByDecoderNorm()) {
      Folding.foldDecoderNorms(wEnc, bEnc, wDec);
    }
    SparseAutoencoder.Builder builder =
        SparseAutoencoder.builder()
            .wEnc(wEnc)
            .bEnc(bEnc)
            .wDec(wDec)
            .bDec(bDec)
            .normalization(config.normalization());
    return activation(builder, weights, features);
  }

  private SparseAutoencoder.Builder activation(
      SparseAutoencoder.Builder builder, Weights weights, int features) {
    return switch (config.architecture()) {
      case "topk" -> builder.topK(config.k().getAsInt());
      case "standard" -> builder.relu();
      case "jumprelu" -> builder.jumpRelu(threshold(weights, features));
      default -> throw new IllegalStateException(config.architecture());
    };
  }

  private static HostTensor threshold(Weights weights, int features) {
    if (weights.has("threshold")) {
      return weights.vector("threshold", features);
    }
    HostTensor threshold = weights.vector("log_threshold", features);
    for (long f = 0; f < features; f++) {
      threshold.setFloat(f, (float) Math.exp(threshold.getFloat(f)));
    }
    return threshold;
  }

  /** Version 5's scaling_factor multiplies activations at decode only. */
  private void foldDecodeScale(Weights weights, HostTensor wDec) {
    boolean used = config.scalesActivationsAtDecode();
    if (!weights.has("scaling_factor")) {
      if (used) {
        throw config
            .fields()
            .contradiction(
                "finetuning_scaling_factor is true, but the weights have no scaling_factor");
      }
      return;
    }
    HostTensor scale = weights.vector("scaling_factor", description.features());
    double[] factors = new double[description.features()];
    boolean allOnes = true;
    for (int f = 0; f < factors.length; f++) {
      factors[f] = scale.getFloat(f);
      allOnes &= factors[f] == 1;
    }
    scale.close();
    if (!used && !allOnes) {
      throw config
          .fields()
          .contradiction(
              "the weights have a scaling_factor that is not all 1, but"
                  + " finetuning_scaling_factor is not true");
    }
    if (!allOnes) {
      Folding.scaleRows(wDec, factors);
    }
  }

  /** s, from the user or a checkpoint's activation_scaler.json. */
  private OptionalDouble normFactor(OptionalDouble given) {
    Optional<Double> stored = storedFactor();
    if (config.norm() != Norm.EXPECTED_AVERAGE) {
      if (given.isPresent()) {
        throw new UsageException(
            "a norm factor is given, but normalize_activations of "
                + folder
                + " is not expected_average_only_in");
      }
      if (stored.isPresent()) {
        throw new InvalidDataException(
            folder.resolve("activation_scaler.json")
                + " has a scaling_factor, but normalize_activations is not"
                + " expected_average_only_in");
      }
      return OptionalDouble.empty();
    }
    if (given.isPresent() && stored.isPresent() && given.getAsDouble() != stored.get()) {
      throw new UsageException(
          "the norm factor given is "
              + given.getAsDouble()
              + ", but activation_scaler.json says "
              + stored.get());
    }
    if (given.isEmpty() && stored.isEmpty()) {
      throw new InvalidDataException(
          folder
              + ": normalize_activations is expected_average_only_in, and the folder does not hold"
              + " the factor sqrt(d_in) / mean norm: give it as --norm-factor");
    }
    return given.isPresent() ? given : OptionalDouble.of(stored.get());
  }

  private Optional<Double> storedFactor() {
    Path path = folder.resolve("activation_scaler.json");
    if (!Files.exists(path)) {
      return Optional.empty();
    }
    ConfigFields scaler = ConfigFields.read(path);
    if (scaler.flag("has_whitening", false)) {
      throw new InvalidDataException(path + " has whitening, which is not computed");
    }
    return scaler.positiveNumber("scaling_factor");
  }
}
