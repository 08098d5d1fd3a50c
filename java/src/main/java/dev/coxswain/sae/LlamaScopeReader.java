package dev.coxswain.sae;

import dev.coxswain.sae.Weights.Layout;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Llama Scope: hyperparams.json and checkpoints/final.safetensors. The dataset's norms and the
 * decoder's column norms are folded in; the threshold is in the units after both.
 */
final class LlamaScopeReader implements FormatReader {
  private static final Set<String> STRUCTURE =
      Set.of(
          "d_model",
          "d_sae",
          "act_fn",
          "jump_relu_threshold",
          "top_k",
          "dtype",
          "use_decoder_bias",
          "use_glu_encoder",
          "apply_decoder_bias_to_pre_encoder",
          "norm_activation",
          "dataset_average_activation_norm",
          "decoder_exactly_fixed_norm",
          "sparsity_include_decoder_norm",
          "expansion_factor");

  private final ConfigFields fields;
  private final SaeDescription description;
  private final Optional<Double> threshold;

  LlamaScopeReader(Path folder) {
    this.fields = ConfigFields.read(folder.resolve(SaeFormat.LLAMA_SCOPE.config()));
    this.threshold = threshold();
    boolean topK = threshold.isEmpty();
    int features = fields.positiveInt("d_sae");
    OptionalInt k = topK ? OptionalInt.of(fields.positiveInt("top_k")) : OptionalInt.empty();
    if (topK && k.getAsInt() > features) {
      throw fields.contradiction("top_k = " + k.getAsInt() + " is more than d_sae = " + features);
    }
    this.description =
        new SaeDescription(
            SaeFormat.LLAMA_SCOPE,
            topK ? "topk" : "jumprelu",
            fields.positiveInt("d_model"),
            features,
            k,
            storedType(folder),
            fields.flag("apply_decoder_bias_to_pre_encoder", false),
            fields.flattened(STRUCTURE),
            unsupported());
  }

  private static String storedType(Path folder) {
    try (WeightFile file = WeightFile.open(folder.resolve(SaeFormat.LLAMA_SCOPE.weights()))) {
      WeightFile.Stored encoder = file.tensors().get("encoder.weight");
      return encoder == null ? "float32" : SparsifyReader.torchName(encoder.dtype());
    }
  }

  /** θ; empty for Top-K. Files trained as Top-K whose threshold is positive are JumpReLU. */
  private Optional<Double> threshold() {
    String function = fields.text("act_fn").orElseThrow(() -> wrongFunction());
    String name = "jump_relu_threshold";
    boolean positive = fields.has(name) && fields.node().get(name).asDouble() != 0;
    Optional<Double> value = positive ? fields.positiveNumber(name) : Optional.empty();
    return switch (function) {
      case "topk" -> value;
      case "jumprelu" ->
          Optional.of(value.orElseThrow(() -> fields.wrong(name, "a positive number")));
      default -> throw wrongFunction();
    };
  }

  private dev.coxswain.error.InvalidDataException wrongFunction() {
    return fields.wrong("act_fn", "jumprelu or topk");
  }

  private Optional<String> unsupported() {
    if (fields.flag("use_glu_encoder", false)) {
      return Optional.of("use_glu_encoder is true: it is not computed");
    }
    String norm = fields.text("norm_activation").orElse("");
    if (!norm.equals("dataset-wise")) {
      return Optional.of("norm_activation is '" + norm + "': only dataset-wise is computed");
    }
    if (!fields.flag("sparsity_include_decoder_norm", true)) {
      return Optional.of("sparsity_include_decoder_norm is false: it is not computed");
    }
    if (!fields.text("hook_point_in").equals(fields.text("hook_point_out"))) {
      return Optional.of("hook_point_out is not hook_point_in: transcoders are not computed");
    }
    boolean subtracts = fields.flag("apply_decoder_bias_to_pre_encoder", false);
    if (subtracts && scaleIn() != scaleOut()) {
      return Optional.of(
          "apply_decoder_bias_to_pre_encoder with different norms in and out is ambiguous");
    }
    return Optional.empty();
  }

  private double scaleIn() {
    return scale("in");
  }

  private double scaleOut() {
    return scale("out");
  }

  /** √d over the dataset's mean norm. */
  private double scale(String side) {
    ConfigFields norms =
        fields
            .object("dataset_average_activation_norm")
            .orElseThrow(() -> fields.wrong("dataset_average_activation_norm", "an object"));
    double norm =
        norms.positiveNumber(side).orElseThrow(() -> norms.wrong(side, "a positive number"));
    return Math.sqrt(fields.positiveInt("d_model")) / norm;
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
    shapes.put("decoder.weight", Shape.of(width, features));
    if (fields.flag("use_decoder_bias", true)) {
      shapes.put("decoder.bias", Shape.of(width));
    }
    return shapes;
  }

  @Override
  public SparseAutoencoder.Builder build(Weights weights, OptionalDouble normFactor) {
    SaeReader.refuseNormFactor(normFactor);
    int features = description.features();
    int width = description.width();
    HostTensor wEnc = weights.matrix("encoder.weight", features, width, Layout.BY_FEATURE);
    HostTensor bEnc = weights.vector("encoder.bias", features);
    HostTensor wDec = weights.matrix("decoder.weight", features, width, Layout.BY_WIDTH);
    HostTensor bDec =
        fields.flag("use_decoder_bias", true)
            ? weights.vector("decoder.bias", width)
            : weights.zeros(width);
    Folding.scale(bEnc, 1 / scaleIn());
    Folding.scale(bDec, 1 / scaleOut());
    Folding.scale(wDec, scaleIn() / scaleOut());
    Folding.foldDecoderNorms(wEnc, bEnc, wDec);
    SparseAutoencoder.Builder builder =
        SparseAutoencoder.builder().wEnc(wEnc).bEnc(bEnc).wDec(wDec).bDec(bDec);
    if (threshold.isEmpty()) {
      return builder.topK(description.k().getAsInt());
    }
    HostTensor thresholds = weights.zeros(features);
    for (int f = 0; f < features; f++) {
      thresholds.setFloat(f, threshold.get().floatValue());
    }
    return builder.jumpRelu(thresholds);
  }
}
