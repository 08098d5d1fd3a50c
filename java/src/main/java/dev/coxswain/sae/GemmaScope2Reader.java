package dev.coxswain.sae;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.sae.Weights.Layout;
import dev.coxswain.tensor.Shape;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;

/** Gemma Scope 2: params.safetensors, and config.json or else the path. */
final class GemmaScope2Reader implements FormatReader {
  private final SaeDescription description;

  GemmaScope2Reader(Path folder) {
    Path config = folder.resolve("config.json");
    Optional<ConfigFields> fields =
        Files.exists(config) ? Optional.of(ConfigFields.read(config)) : Optional.empty();
    Path path = folder.resolve(SaeFormat.GEMMA_SCOPE_2.weights());
    try (WeightFile file = WeightFile.open(path)) {
      WeightFile.Stored encoder = file.tensors().get("w_enc");
      if (encoder == null || encoder.shape().rank() != 2) {
        throw new InvalidDataException(path + " has no tensor 'w_enc' [d, F]");
      }
      this.description =
          new SaeDescription(
              SaeFormat.GEMMA_SCOPE_2,
              "jump_relu",
              extent(path, encoder, 0),
              extent(path, encoder, 1),
              OptionalInt.empty(),
              SparsifyReader.torchName(encoder.dtype()),
              false,
              fields.map(present -> present.flattened(Set.of("architecture"))).orElse(Map.of()),
              fields.isPresent() ? unsupported(fields.get(), folder) : unsupported(folder));
    }
  }

  static int extent(Path path, WeightFile.Stored encoder, int axis) {
    long extent = encoder.shape().extent(axis);
    if (extent < 1 || extent > Integer.MAX_VALUE) {
      throw new InvalidDataException(path + ": the encoder is " + encoder);
    }
    return (int) extent;
  }

  private static Optional<String> unsupported(ConfigFields fields, Path folder) {
    Optional<String> architecture = fields.text("architecture");
    if (!architecture.equals(Optional.of("jump_relu"))) {
      throw fields.wrong("architecture", "jump_relu");
    }
    if (fields.flag("affine_connection", false)) {
      return Optional.of("affine_connection is true: skip connections are not computed");
    }
    Optional<String> type = fields.text("type");
    if (type.isPresent() && !type.get().equals("sae")) {
      return Optional.of("type is " + type.get() + ": only autoencoders are computed");
    }
    Optional<String> in = fields.text("hf_hook_point_in");
    Optional<String> out = fields.text("hf_hook_point_out");
    if (out.isPresent() && !out.equals(in)) {
      return Optional.of("hf_hook_point_out is not hf_hook_point_in: transcoders are not computed");
    }
    return out.isEmpty() && kind(folder) == Kind.OTHER ? otherKind() : Optional.empty();
  }

  private static Optional<String> unsupported(Path folder) {
    return switch (kind(folder)) {
      case SAE -> Optional.empty();
      case OTHER -> otherKind();
      case UNKNOWN ->
          Optional.of(
              "there is no config.json, and the path does not say that it is an autoencoder"
                  + " (resid_post, attn_out or mlp_out above the folder)");
    };
  }

  private static Optional<String> otherKind() {
    return Optional.of("the path says that it is a transcoder, which is not computed");
  }

  private enum Kind {
    SAE,
    OTHER,
    UNKNOWN
  }

  /** By the nearest name in the path that tells, as {@code resid_post_all}. */
  private static Kind kind(Path folder) {
    for (Path at = folder.toAbsolutePath().normalize();
        at != null && at.getFileName() != null;
        at = at.getParent()) {
      String name = at.getFileName().toString();
      if (name.matches("(resid_post|attn_out|mlp_out)(_all)?")) {
        return Kind.SAE;
      }
      if (name.matches("(skip_)?(transcoder|clt|crosscoder)(_all|_affine)*")) {
        return Kind.OTHER;
      }
    }
    return Kind.UNKNOWN;
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
    shapes.put("w_enc", Shape.of(width, features));
    shapes.put("b_enc", Shape.of(features));
    shapes.put("w_dec", Shape.of(features, width));
    shapes.put("b_dec", Shape.of(width));
    shapes.put("threshold", Shape.of(features));
    return shapes;
  }

  @Override
  public SparseAutoencoder.Builder build(Weights weights, OptionalDouble normFactor) {
    SaeReader.refuseNormFactor(normFactor);
    int features = description.features();
    int width = description.width();
    return SparseAutoencoder.builder()
        .wEnc(weights.matrix("w_enc", features, width, Layout.BY_WIDTH))
        .bEnc(weights.vector("b_enc", features))
        .wDec(weights.matrix("w_dec", features, width, Layout.BY_FEATURE))
        .bDec(weights.vector("b_dec", width))
        .jumpRelu(weights.vector("threshold", features));
  }
}
