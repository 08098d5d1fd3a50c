package dev.coxswain.steer;

import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import java.util.List;

/** Gathers the rows of an SAE that a set of features reads with and writes along. */
final class FeatureRows {
  private final SparseAutoencoder sae;
  private final ReadMode mode;

  FeatureRows(SparseAutoencoder sae, ReadMode mode) {
    this.sae = sae;
    this.mode = mode;
  }

  /** R; F32 [m, d]. */
  HostTensor read(List<Integer> features) {
    return gather(mode == ReadMode.ENCODER ? sae.wEnc() : sae.wDec(), features);
  }

  /** S; F32 [m, d]. */
  HostTensor write(List<Integer> features) {
    return gather(sae.wDec(), features);
  }

  /** c; F32 [m]; summed in double in ascending order, rounded once. */
  HostTensor readBias(List<Integer> features) {
    float[] bias = new float[features.size()];
    if (mode == ReadMode.ENCODER) {
      for (int j = 0; j < bias.length; j++) {
        bias[j] = encoderBias(features.get(j));
      }
    }
    return HostTensor.ofFloats(Shape.of(bias.length), bias);
  }

  private float encoderBias(int feature) {
    double bias = HostMemory.getFloat(sae.bEnc().address() + 4L * feature);
    if (!sae.subtractsBDec()) {
      return (float) bias;
    }
    float[] encoder = row(sae.wEnc(), feature);
    float[] shift = row(sae.bDec().reshape(1, sae.width()), 0);
    double dot = 0;
    for (int e = 0; e < shift.length; e++) {
      dot += (double) shift[e] * encoder[e];
    }
    return (float) (bias - dot);
  }

  /** Σ_j S[j], in the set's order; [d]. */
  double[] writeSum(List<Integer> features) {
    double[] sum = new double[sae.width()];
    for (int feature : features) {
      float[] direction = row(sae.wDec(), feature);
      for (int e = 0; e < sum.length; e++) {
        sum[e] += direction[e];
      }
    }
    return sum;
  }

  private static HostTensor gather(TensorView matrix, List<Integer> features) {
    HostTensor rows =
        HostTensor.allocate(matrix.dtype(), Shape.of(features.size(), matrix.rowElements()));
    long bytes = 4 * matrix.rowElements();
    for (int j = 0; j < features.size(); j++) {
      long source = matrix.address() + features.get(j) * bytes;
      HostMemory.copy(source, rows.view().address() + j * bytes, bytes);
    }
    return rows;
  }

  private static float[] row(TensorView matrix, int row) {
    float[] values = new float[(int) matrix.rowElements()];
    HostMemory.copy(matrix.address() + 4L * row * values.length, values, 0, values.length);
    return values;
  }
}
