package dev.coxswain.backend;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;

/**
 * Everything one decode needs of an SAE, in the backend's memory. Owns nothing; immutable.
 *
 * @param wDec decoder, row f is the direction that feature f writes; F32 [F, d]
 * @param bDec decoder bias; F32 [d]
 * @param normalization undone on the output
 */
public record Decoder(TensorView wDec, TensorView bDec, Normalization normalization) {
  public Decoder {
    wDec.require("W_dec", DType.F32, wDec.rows(), wDec.rowElements());
    bDec.require("b_dec", DType.F32, wDec.rowElements());
  }

  public long features() {
    return wDec.rows();
  }

  public long width() {
    return wDec.rowElements();
  }
}
