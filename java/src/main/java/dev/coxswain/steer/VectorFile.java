package dev.coxswain.steer;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.SafetensorsFile;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import java.nio.file.Path;

/** Reads the vector of a {@code vector} rule: a row of a tensor [V, d], or a tensor [d]. */
final class VectorFile {
  private VectorFile() {}

  static double[] read(
      String plan, String at, PlanRule.Vector rule, Path baseDir, SparseAutoencoder sae) {
    Path path = baseDir.resolve(rule.file());
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      Shape shape = file.entry(rule.tensor()).shape();
      String where = path + ": tensor '" + rule.tensor() + "'";
      requireShape(plan + ": " + at, where, shape, rule.row(), sae.width());
      try (HostTensor row = HostTensor.allocate(DType.F32, 1, sae.width())) {
        if (shape.rank() == 2) {
          file.readRowsAsFloats(rule.tensor(), rule.row(), rule.row() + 1, row.view());
          return finite(plan + ": " + at, where, row.toFloats());
        }
      }
      try (HostTensor vector = file.readFloats(rule.tensor())) {
        return finite(plan + ": " + at, where, vector.toFloats());
      }
    }
  }

  private static void requireShape(String at, String where, Shape shape, long row, int width) {
    boolean fits = shape.rank() == 1 || shape.rank() == 2;
    if (!fits || shape.extent(shape.rank() - 1) != width) {
      throw new InvalidDataException(
          at + ": " + where + " is " + shape + "; [V, " + width + "] or [" + width + "] is needed");
    }
    long rows = shape.rank() == 2 ? shape.extent(0) : 1;
    if (row >= rows) {
      throw new InvalidDataException(
          at + ".row is " + row + "; " + where + " has rows 0 to " + (rows - 1));
    }
  }

  private static double[] finite(String at, String where, float[] row) {
    double[] vector = new double[row.length];
    for (int e = 0; e < row.length; e++) {
      vector[e] = row[e];
      if (!Float.isFinite(row[e])) {
        throw new InvalidDataException(
            at + ": " + where + " holds " + row[e] + " at element " + e + "; it must be finite");
      }
    }
    return vector;
  }
}
