package dev.coxswain.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.error.CoxswainException;
import dev.coxswain.error.FileException;
import dev.coxswain.sae.SaeWriter;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import java.nio.file.Path;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assumptions;

/** The demo's model for tests, and SAEs of its width with random weights. */
final class RealModel {
  static final int LAYER = 14;
  static final int WIDTH = 576;

  private RealModel() {}

  /**
   * The model's file; the test is skipped, with a line that says so, where it cannot be fetched.
   */
  static Path file() {
    try {
      return ModelCache.open()
          .get("smollm2-135m-instruct", ModelCache.Terms.NOT_ACCEPTED, System.out::println);
    } catch (FileException e) {
      return skip(e);
    }
  }

  /** One thread: a busy machine then slows tests down, no more. */
  static LlamaProcess start() {
    return LlamaProcess.start(file(), dev.coxswain.backend.Device.CPU, 1);
  }

  static Path skip(CoxswainException reason) {
    System.out.println("SKIPPED: tests on a real model: " + reason.getMessage());
    Assumptions.abort(reason.getMessage());
    throw reason;
  }

  /**
   * Writes an SAE with unit decoder rows and W_enc = W_decᵀ.
   *
   * @return its decoder's rows, [features][width]
   */
  static float[][] writeSae(Path folder, int features, int width, SplittableRandom random) {
    float[][] rows = new float[features][width];
    float[] flat = new float[features * width];
    for (int f = 0; f < features; f++) {
      double norm = 0;
      for (int e = 0; e < width; e++) {
        rows[f][e] = (float) (random.nextDouble() - 0.5);
        norm += rows[f][e] * rows[f][e];
      }
      for (int e = 0; e < width; e++) {
        rows[f][e] /= (float) Math.sqrt(norm);
        flat[f * width + e] = rows[f][e];
      }
    }
    try (SparseAutoencoder sae =
        SparseAutoencoder.builder()
            .wEnc(HostTensor.ofFloats(Shape.of(features, width), flat))
            .bEnc(HostTensor.ofFloats(Shape.of(features), new float[features]))
            .wDec(HostTensor.ofFloats(Shape.of(features, width), flat))
            .bDec(HostTensor.ofFloats(Shape.of(width), new float[width]))
            .topK(Math.min(8, features))
            .build()) {
      SaeWriter.writeSaeLens(sae, folder, Optional.empty());
    }
    return rows;
  }

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** A request for the bits of all logits of texts. */
  static ObjectNode logits(String hook, String... texts) {
    ObjectNode request = object().put("layer", LAYER).put("hook", hook);
    ArrayNode sequences = request.putArray("sequences");
    for (String text : texts) {
      sequences.addObject().put("text", text);
    }
    return request;
  }
}
