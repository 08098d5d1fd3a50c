package dev.coxswain.sae;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.coxswain.io.Json;
import dev.coxswain.tensor.DType;

/** The cfg.json of SAELens 6 for an autoencoder. */
final class SaeLensCfg {
  /** From this version on the file is read as version 6. */
  private static final String FORMAT_VERSION = "6.0.0";

  private SaeLensCfg() {}

  static ObjectNode of(SparseAutoencoder sae, DType dtype) {
    ObjectNode cfg = Json.mapper().createObjectNode();
    cfg.put("architecture", architecture(sae));
    cfg.put("d_in", sae.width());
    cfg.put("d_sae", sae.features());
    cfg.put("dtype", SparsifyReader.torchName(dtype));
    cfg.put("device", "cpu");
    cfg.put("apply_b_dec_to_input", sae.subtractsBDec());
    cfg.put("normalize_activations", normalization(sae));
    cfg.put("reshape_activations", "none");
    if (sae.k() > 0) {
      cfg.put("k", sae.k());
      cfg.put("rescale_acts_by_decoder_norm", false);
    }
    ObjectNode metadata = cfg.putObject("metadata");
    metadata.put("sae_lens_version", FORMAT_VERSION);
    sae.metadata().forEach((name, value) -> put(metadata, name, value));
    return cfg;
  }

  private static String architecture(SparseAutoencoder sae) {
    return switch (sae.activation()) {
      case TOP_K -> "topk";
      case RELU -> "standard";
      case JUMP_RELU -> "jumprelu";
    };
  }

  private static String normalization(SparseAutoencoder sae) {
    return switch (sae.normalization()) {
      case NONE -> "none";
      case CONSTANT_NORM -> "constant_norm_rescale";
      case LAYER_NORM -> "layer_norm";
    };
  }

  /** A dotted name as nested objects, where nothing else is in the way. */
  private static void put(ObjectNode target, String name, String value) {
    int dot = name.indexOf('.');
    if (dot > 0 && dot < name.length() - 1) {
      String head = name.substring(0, dot);
      if (!target.has(head)) {
        target.putObject(head);
      }
      if (target.get(head) instanceof ObjectNode inner) {
        put(inner, name.substring(dot + 1), value);
        return;
      }
    }
    target.set(name, node(value));
  }

  /** Text that a number, a list and the like turned into becomes that again; all else is text. */
  private static JsonNode node(String value) {
    try {
      JsonNode parsed = Json.mapper().readTree(value);
      if (parsed != null && !parsed.isTextual() && parsed.toString().equals(value)) {
        return parsed;
      }
    } catch (JsonProcessingException e) {
      return TextNode.valueOf(value);
    }
    return TextNode.valueOf(value);
  }
}
