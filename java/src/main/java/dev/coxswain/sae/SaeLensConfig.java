package dev.coxswain.sae;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.backend.Normalization;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * SAELens's cfg.json of version 6, or 5 and before (docs/formats.md), with every field that changes
 * a result.
 */
final class SaeLensConfig {
  /** What the file says is done to a row first. */
  enum Norm {
    NONE,
    EXPECTED_AVERAGE,
    CONSTANT,
    LAYER,
    WHITENING
  }

  private static final Set<String> COMPUTED = Set.of("standard", "topk", "jumprelu");

  private static final Map<String, String> REFUSED =
      Map.of(
          "gated", "its activation is a product of two encoders",
          "abstopk", "its activations may be negative",
          "temporal", "it attends to other tokens",
          "matching_pursuit", "its features are found one after the other",
          "transcoder", "it predicts another place than it reads",
          "skip_transcoder", "it predicts another place than it reads",
          "jumprelu_transcoder", "it predicts another place than it reads",
          "jumprelu_skip_transcoder", "it predicts another place than it reads",
          "batchtopk", "it is a training checkpoint; the final folder says jumprelu",
          "matryoshka_batchtopk", "it is a training checkpoint; the final folder says jumprelu");

  /** Fields of the format itself; whatever else a flat (version 5) file says is metadata. */
  private static final Set<String> STRUCTURE =
      Set.of(
          "architecture",
          "d_in",
          "d_sae",
          "d_out",
          "dtype",
          "device",
          "k",
          "activation_fn",
          "activation_fn_str",
          "activation_fn_kwargs",
          "apply_b_dec_to_input",
          "normalize_activations",
          "reshape_activations",
          "rescale_acts_by_decoder_norm",
          "finetuning_scaling_factor",
          "sae_lens_version",
          "metadata");

  private final ConfigFields fields;
  private final boolean version6;
  private final String architecture;
  private final OptionalInt k;
  private final Norm norm;

  private SaeLensConfig(ConfigFields fields) {
    this.fields = fields;
    this.version6 = isVersion6();
    this.architecture = resolveArchitecture();
    this.k = resolveK();
    this.norm = resolveNorm();
  }

  static SaeLensConfig read(Path path) {
    return new SaeLensConfig(ConfigFields.read(path));
  }

  ConfigFields fields() {
    return fields;
  }

  Norm norm() {
    return norm;
  }

  String architecture() {
    return architecture;
  }

  OptionalInt k() {
    return k;
  }

  Normalization normalization() {
    return switch (norm) {
      case CONSTANT -> Normalization.CONSTANT_NORM;
      case LAYER -> Normalization.LAYER_NORM;
      default -> Normalization.NONE;
    };
  }

  boolean rescalesByDecoderNorm() {
    return fields.flag("rescale_acts_by_decoder_norm", false);
  }

  boolean scalesActivationsAtDecode() {
    return fields.flag("finetuning_scaling_factor", false);
  }

  SaeDescription describe() {
    int width = fields.positiveInt("d_in");
    int features = fields.positiveInt("d_sae");
    if (k.isPresent() && k.getAsInt() > features) {
      throw fields.contradiction("k = " + k.getAsInt() + " is more than d_sae = " + features);
    }
    boolean subtracts = fields.flag("apply_b_dec_to_input", true);
    Optional<String> unsupported = unsupported(width);
    return new SaeDescription(
        SaeFormat.SAELENS,
        architecture,
        width,
        features,
        k,
        dtype(),
        subtracts,
        metadata(),
        unsupported);
  }

  private boolean isVersion6() {
    Optional<ConfigFields> metadata = fields.object("metadata");
    ConfigFields holder = metadata.filter(object -> object.has("sae_lens_version")).orElse(fields);
    Optional<String> version = holder.text("sae_lens_version");
    if (version.isPresent() && !version.get().matches("\\d{1,9}\\.\\d.*")) {
      throw holder.wrong("sae_lens_version", "a version such as 6.0.0");
    }
    return version.isPresent() && Integer.parseInt(version.get().split("\\.")[0]) >= 6;
  }

  private String resolveArchitecture() {
    String function = activationFunction();
    boolean forcedTopK = !version6 && function.equals("topk");
    Optional<String> named = fields.text("architecture");
    if (version6 && named.isEmpty()) {
      throw fields.wrong("architecture", "one of " + String.join(", ", sortedComputed()));
    }
    String result = named.orElse("standard");
    if (forcedTopK && result.equals("standard")) {
      result = "topk";
    }
    if (!COMPUTED.contains(result) && !REFUSED.containsKey(result)) {
      throw fields.wrong("architecture", "one of " + String.join(", ", sortedComputed()));
    }
    if (forcedTopK && !result.equals("topk")) {
      throw fields.contradiction(
          "activation_fn is topk, but architecture is " + result + ": they contradict");
    }
    return result;
  }

  private static java.util.List<String> sortedComputed() {
    return COMPUTED.stream().sorted().toList();
  }

  /** Version 5's activation_fn_str, which older files call activation_fn. */
  private String activationFunction() {
    Optional<String> older = fields.text("activation_fn");
    Optional<String> function = fields.text("activation_fn_str");
    if (older.isPresent() && function.isPresent() && !older.equals(function)) {
      throw fields.contradiction("activation_fn and activation_fn_str contradict");
    }
    return function.or(() -> older).orElse("relu");
  }

  private OptionalInt resolveK() {
    Optional<ConfigFields> arguments = fields.object("activation_fn_kwargs");
    boolean isTopK = architecture.equals("topk") || architecture.equals("abstopk");
    if (!isTopK) {
      // A JumpReLU trained as BatchTopK may still say k; its threshold decides alone.
      if (architecture.equals("standard") && fields.has("k")) {
        throw fields.contradiction("architecture standard has no k, but field 'k' is there");
      }
      if (architecture.equals("standard") && arguments.isPresent() && arguments.get().has("k")) {
        throw fields.contradiction(
            "architecture standard has no k, but field 'activation_fn_kwargs.k' is there");
      }
      return OptionalInt.empty();
    }
    OptionalInt argument =
        arguments.isPresent() ? arguments.get().optionalInt("k") : OptionalInt.empty();
    OptionalInt direct = fields.optionalInt("k");
    if (argument.isPresent() && direct.isPresent() && !argument.equals(direct)) {
      throw fields.contradiction(
          "k is "
              + direct.getAsInt()
              + ", but activation_fn_kwargs.k is "
              + argument.getAsInt()
              + ": they contradict");
    }
    return direct.isPresent() || argument.isEmpty()
        ? OptionalInt.of(fields.positiveInt("k"))
        : argument;
  }

  private Norm resolveNorm() {
    String name = "normalize_activations";
    JsonNode value = fields.node().path(name);
    if (value.isMissingNode() || value.isNull()) {
      return Norm.NONE;
    }
    if (value.isBoolean() && !version6) {
      return value.booleanValue() ? Norm.EXPECTED_AVERAGE : Norm.NONE;
    }
    return switch (fields.text(name).orElseThrow()) {
      case "none" -> Norm.NONE;
      case "expected_average_only_in" -> Norm.EXPECTED_AVERAGE;
      case "constant_norm_rescale" -> Norm.CONSTANT;
      case "layer_norm" -> Norm.LAYER;
      case "covariance_whitening" -> Norm.WHITENING;
      default ->
          throw fields.wrong(
              name, "none, expected_average_only_in, constant_norm_rescale or layer_norm");
    };
  }

  private String dtype() {
    String name = fields.text("dtype").orElse("float32").replaceFirst("^torch\\.", "");
    if (!Set.of("float16", "float32", "float64", "bfloat16").contains(name)) {
      throw fields.wrong("dtype", "float32, float16, bfloat16 or float64");
    }
    return name;
  }

  private Optional<String> unsupported(int width) {
    if (REFUSED.containsKey(architecture)) {
      return Optional.of(
          "architecture " + architecture + " is not computed: " + REFUSED.get(architecture));
    }
    OptionalInt outputWidth =
        fields.has("d_out") ? fields.optionalInt("d_out") : OptionalInt.empty();
    if (outputWidth.isPresent() && outputWidth.getAsInt() != width) {
      return Optional.of("d_out is not d_in: transcoders are not computed");
    }
    if (norm == Norm.WHITENING) {
      return Optional.of(
          "normalize_activations covariance_whitening is not computed: its matrix is not kept");
    }
    String reshape = fields.text("reshape_activations").orElse("none");
    if (!reshape.equals("none") && !reshape.equals("hook_z")) {
      throw fields.wrong("reshape_activations", "none or hook_z");
    }
    if (rescalesByDecoderNorm() && !architecture.equals("topk")) {
      return Optional.of(
          "rescale_acts_by_decoder_norm is not computed for architecture " + architecture);
    }
    String function = activationFunction();
    boolean plain = Set.of("relu", "topk").contains(function) || function.equals(architecture);
    boolean contradicts = function.equals("topk") && !architecture.equals("topk");
    if (!plain || contradicts) {
      return Optional.of(
          "activation_fn " + function + " is not computed for architecture " + architecture);
    }
    return Optional.empty();
  }

  private Map<String, String> metadata() {
    Map<String, String> all = new TreeMap<>();
    if (!version6) {
      all.putAll(fields.flattened(STRUCTURE));
      rename(all, "hook_point", "hook_name");
      rename(all, "hook_point_layer", "hook_layer");
      rename(all, "hook_point_head_index", "hook_head_index");
    }
    fields
        .object("metadata")
        .ifPresent(metadata -> all.putAll(metadata.flattened(Set.of("sae_lens_version"))));
    return all;
  }

  private static void rename(Map<String, String> metadata, String from, String to) {
    String value = metadata.remove(from);
    if (value != null) {
      metadata.putIfAbsent(to, value);
    }
  }
}
