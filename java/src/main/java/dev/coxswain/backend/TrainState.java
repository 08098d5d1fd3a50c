package dev.coxswain.backend;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;

/**
 * All that a training step reads and changes, in the backend's memory. Together with the step
 * number it is the whole state of a run: a checkpoint is these tensors.
 *
 * @param wEnc F32 [F, d], one row a feature
 * @param bEnc F32 [F]
 * @param wDec F32 [F, d], rows of unit norm
 * @param bDec F32 [d]
 * @param firstMoment Adam's m, in the order W_enc, b_enc, W_dec, b_dec; F32 [2·F·d + F + d]
 * @param secondMoment Adam's v, in the same order; F32 [2·F·d + F + d]
 * @param rowsSinceFired training rows since each feature was last active; I64 [F]
 */
public record TrainState(
    TensorView wEnc,
    TensorView bEnc,
    TensorView wDec,
    TensorView bDec,
    TensorView firstMoment,
    TensorView secondMoment,
    TensorView rowsSinceFired) {
  public TrainState {
    long features = wEnc.rows();
    long width = wEnc.rowElements();
    long parameters = parameters(features, width);
    wEnc.require("W_enc", DType.F32, features, width);
    bEnc.require("b_enc", DType.F32, features);
    wDec.require("W_dec", DType.F32, features, width);
    bDec.require("b_dec", DType.F32, width);
    firstMoment.require("m", DType.F32, parameters);
    secondMoment.require("v", DType.F32, parameters);
    rowsSinceFired.require("rows since fired", DType.I64, features);
  }

  public static long parameters(long features, long width) {
    return 2 * features * width + features + width;
  }

  public long features() {
    return wEnc.rows();
  }

  public long width() {
    return wEnc.rowElements();
  }
}
