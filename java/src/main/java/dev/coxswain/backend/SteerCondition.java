package dev.coxswain.backend;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;

/**
 * The row condition of a plan: with g = ReLU(x R + c), a row is steered only if some g &gt; 0 and
 * mean(g[g &gt; 0]) ≥ threshold.
 *
 * @param read R; F32 [m, d]
 * @param readBias c; F32 [m]
 */
public record SteerCondition(TensorView read, TensorView readBias, float threshold) {
  public SteerCondition {
    read.require("R", DType.F32, read.rows(), read.rowElements());
    readBias.require("c", DType.F32, read.rows());
  }
}
