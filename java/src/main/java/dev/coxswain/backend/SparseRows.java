package dev.coxswain.backend;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;

/**
 * Active features of n rows, in the backend's memory: by descending value, then ascending index;
 * places without a feature hold value 0 and index −1 and stand at the end of the row.
 *
 * @param values F32 [n, K]
 * @param indices I32 [n, K]
 * @param normalization what the row's normalisation took out: (shift, scale) with x = x̃·scale +
 *     shift; F32 [n, 2]. (0, 1) without normalisation; scale 0 marks a row without active features
 *     whose reconstruction is 0: one that is not finite or cannot be normalised.
 */
public record SparseRows(TensorView values, TensorView indices, TensorView normalization) {
  public SparseRows {
    long n = values.rows();
    values.require("values", DType.F32, n, values.rowElements());
    indices.require("indices", DType.I32, n, values.rowElements());
    normalization.require("normalization", DType.F32, n, 2);
  }

  public long rows() {
    return values.rows();
  }

  /** K: places a row. */
  public long width() {
    return values.rowElements();
  }

  public SparseRows rows(long from, long to) {
    return new SparseRows(
        values.rows(from, to), indices.rows(from, to), normalization.rows(from, to));
  }
}
