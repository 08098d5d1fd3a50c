package dev.coxswain.sae;

import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;

/** Scales folded into weights, in double and rounded once. */
final class Folding {
  private Folding() {}

  /** Every element times {@code factor}. */
  static void scale(HostTensor tensor, double factor) {
    long address = tensor.view().address();
    for (long i = 0; i < tensor.shape().elements(); i++) {
      multiply(address + 4 * i, factor);
    }
  }

  /** Row f of a matrix, or element f of a vector, times {@code factors[f]}. */
  static void scaleRows(HostTensor tensor, double[] factors) {
    long address = tensor.view().address();
    long width = tensor.view().rowElements();
    for (int f = 0; f < factors.length; f++) {
      for (long e = 0; e < width; e++) {
        multiply(address + 4 * (width * f + e), factors[f]);
      }
    }
  }

  private static void multiply(long address, double factor) {
    HostMemory.putFloat(address, (float) (HostMemory.getFloat(address) * factor));
  }

  /** Euclidean norm of each row. */
  static double[] rowNorms(TensorView matrix) {
    long width = matrix.rowElements();
    double[] norms = new double[Math.toIntExact(matrix.rows())];
    for (int f = 0; f < norms.length; f++) {
      long row = matrix.address() + 4 * width * f;
      double sum = 0;
      for (long e = 0; e < width; e++) {
        double value = HostMemory.getFloat(row + 4 * e);
        sum += value * value;
      }
      norms[f] = Math.sqrt(sum);
    }
    return norms;
  }

  /** 1/v for each; 0 stays 0, for a feature that writes nothing. */
  static double[] inverses(double[] values) {
    double[] inverses = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      inverses[i] = values[i] == 0 ? 0 : 1 / values[i];
    }
    return inverses;
  }

  /** Decoder rows to unit norm, their norms into encoder and bias: the reconstruction stays. */
  static void foldDecoderNorms(HostTensor wEnc, HostTensor bEnc, HostTensor wDec) {
    double[] norms = rowNorms(wDec.view());
    scaleRows(wEnc, norms);
    scaleRows(bEnc, norms);
    scaleRows(wDec, inverses(norms));
  }
}
