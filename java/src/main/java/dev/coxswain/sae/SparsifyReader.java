package dev.coxswain.sae;

import dev.coxswain.sae.Weights.Layout;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.Shape;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;

/** sparsify (eai-sparsify): cfg.json and sae.safetensors. */
final class SparsifyReader implements FormatReader {
  private static final int DEFAULT_EXPANSION = 32;

  private final SaeDescription description;

  SparsifyReader(Path folder) {
    ConfigFields fields = ConfigFields.read(folder.resolve(SaeFormat.SPARSIFY.config()));
    int width = fields.positiveInt("d_in");
    int k = fields.positiveInt("k");
    int features = features(fields, width);
    if (k > features) {
      throw fields.contradiction("k = " + k + " is more than the " + features + " latents");
    }
    String activation = fields.text("activation").orElse("topk");
    boolean transcode = fields.flag("transcode", false);
    Optional<String> unsupported = unsupported(fields, activation, transcode);
    try (WeightFile file = WeightFile.open(folder.resolve(SaeFormat.SPARSIFY.weights()))) {
      this.description =
          new SaeDescription(
              SaeFormat.SPARSIFY,
              activation,
              width,
              features,
              OptionalInt.of(k),
              dtype(file),
              !transcode,
              file.metadata(),
              unsupported);
    }
  }

  private static int features(ConfigFields fields, int width) {
    boolean given =
        fields.has("num_latents") && !fields.node().get("num_latents").asText().equals("0");
    if (given) {
      return fields.positiveInt("num_latents");
    }
    int expansion = fields.optionalInt("expansion_factor").orElse(DEFAULT_EXPANSION);
    if ((long) expansion * width > Integer.MAX_VALUE) {
      throw fields.wrong("expansion_factor", "at most 2^31-1 latents, d_in * expansion_factor,");
    }
    return expansion * width;
  }

  /** Only the tensors know. */
  private static String dtype(WeightFile file) {
    WeightFile.Stored encoder = file.tensors().get("encoder.weight");
    return torchName(encoder == null ? DType.F32 : encoder.dtype());
  }

  static String torchName(DType dtype) {
    return switch (dtype) {
      case F16 -> "float16";
      case BF16 -> "bfloat16";
      case F64 -> "float64";
      default -> "float32";
    };
  }

  private static Optional<String> unsupported(
      ConfigFields fields, String activation, boolean transcode) {
    if (fields.flag("signed", false)) {
      return Optional.of("signed activations, selected by magnitude, are not computed");
    }
    if (transcode) {
      return Optional.of("transcode is true: transcoders are not computed");
    }
    if (fields.flag("skip_connection", false)) {
      return Optional.of("skip_connection is true: it is not computed");
    }
    if (activation.equals("groupmax")) {
      return Optional.of("activation groupmax is not computed");
    }
    if (!activation.equals("topk")) {
      throw fields.wrong("activation", "topk");
    }
    // Both change how it was trained and nothing that is computed here; only their type is checked.
    fields.flag("multi_topk", false);
    fields.flag("normalize_decoder", true);
    return Optional.empty();
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
    shapes.put("encoder.weight", Shape.of(features, width));
    shapes.put("encoder.bias", Shape.of(features));
    shapes.put("W_dec", Shape.of(features, width));
    shapes.put("b_dec", Shape.of(width));
    return shapes;
  }

  @Override
  public SparseAutoencoder.Builder build(Weights weights, OptionalDouble normFactor) {
    SaeReader.refuseNormFactor(normFactor);
    int features = description.features();
    int width = description.width();
    return SparseAutoencoder.builder()
        .wEnc(weights.matrix("encoder.weight", features, width, Layout.BY_FEATURE))
        .bEnc(weights.vector("encoder.bias", features))
        .wDec(weights.matrix("W_dec", features, width, Layout.BY_FEATURE))
        .bDec(weights.vector("b_dec", width))
        .topK(description.k().getAsInt());
  }
}
