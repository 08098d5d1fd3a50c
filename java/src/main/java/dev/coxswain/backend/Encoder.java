package dev.coxswain.backend;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import java.util.Optional;

/**
 * Everything one encode needs of an SAE, in the backend's memory. Owns nothing; immutable.
 *
 * @param wEnc encoder, one row a feature; F32 [F, d]
 * @param bEnc encoder bias; F32 [F]
 * @param subtract b_dec where the SAE subtracts it from its (normalised) input; F32 [d]
 * @param threshold JumpReLU thresholds θ, none negative; F32 [F]; present exactly for JUMP_RELU
 * @param activation which features are active
 * @param k features selected a row for TOP_K (1 to F), else 0
 * @param normalization applied to each row first
 */
public record Encoder(
    TensorView wEnc,
    TensorView bEnc,
    Optional<TensorView> subtract,
    Optional<TensorView> threshold,
    Activation activation,
    int k,
    Normalization normalization) {
  public Encoder {
    long features = wEnc.rows();
    long width = wEnc.rowElements();
    wEnc.require("W_enc", DType.F32, features, width);
    bEnc.require("b_enc", DType.F32, features);
    subtract.ifPresent(view -> view.require("b_dec", DType.F32, width));
    threshold.ifPresent(view -> view.require("threshold", DType.F32, features));
    if (threshold.isPresent() != (activation == Activation.JUMP_RELU)) {
      throw new IllegalArgumentException("a threshold belongs to JUMP_RELU and to it alone");
    }
    if (activation == Activation.TOP_K ? k < 1 || k > features : k != 0) {
      throw new IllegalArgumentException("k = " + k + " for " + activation + ", F = " + features);
    }
  }

  public long features() {
    return wEnc.rows();
  }

  public long width() {
    return wEnc.rowElements();
  }
}
