package dev.coxswain.train;

import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.TensorView;
import java.util.BitSet;

/** Running sums, in double, from which the quality of a reconstruction follows. */
final class ReconstructionSums {
  private final int width;
  private final int features;
  private final float[] x;
  private final float[] xHat;

  /** The first row: sums of x less it keep their digits where the mean is far from 0. */
  private double[] shift;

  private final double[] sum;
  private double squares;
  private double squaredError;
  private double relativeError;
  private long nonZeroRows;
  private long rows;
  private long active;
  private final BitSet fired;

  ReconstructionSums(int width, int features) {
    this.width = width;
    this.features = features;
    this.x = new float[width];
    this.xHat = new float[width];
    this.sum = new double[width];
    this.fired = new BitSet(features);
  }

  /** Host memory; F32 [n, d] both. */
  void addRows(TensorView originals, TensorView rebuilt) {
    for (long i = 0; i < originals.rows(); i++) {
      HostMemory.copy(originals.address() + 4L * width * i, x, 0, width);
      HostMemory.copy(rebuilt.address() + 4L * width * i, xHat, 0, width);
      addRow();
    }
  }

  private void addRow() {
    if (shift == null) {
      shift = new double[width];
      for (int e = 0; e < width; e++) {
        shift[e] = x[e];
      }
    }
    double error = 0;
    double norm = 0;
    for (int e = 0; e < width; e++) {
      double difference = (double) x[e] - xHat[e];
      double shifted = x[e] - shift[e];
      error += difference * difference;
      norm += (double) x[e] * x[e];
      squares += shifted * shifted;
      sum[e] += shifted;
    }
    rows++;
    squaredError += error;
    if (norm > 0) {
      relativeError += error / norm;
      nonZeroRows++;
    }
  }

  /** Host memory; I32 [n, K], −1 where no feature is active. */
  void addActive(TensorView indices) {
    long count = indices.shape().elements();
    for (long i = 0; i < count; i++) {
      int feature = HostMemory.getInt(indices.address() + 4 * i);
      if (feature >= 0) {
        active++;
        fired.set(feature);
      }
    }
  }

  Evaluation evaluation(RowCounts counts) {
    double ofMean = 0;
    for (double column : sum) {
      ofMean += column * column;
    }
    double variance = squares - ofMean / rows;
    return new Evaluation(
        variance > 0 ? squaredError / variance : Double.NaN,
        (double) active / rows,
        1 - (double) fired.cardinality() / features,
        nonZeroRows == 0 ? Double.NaN : relativeError / nonZeroRows,
        counts);
  }
}
