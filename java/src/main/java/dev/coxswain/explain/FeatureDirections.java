package dev.coxswain.explain;

import dev.coxswain.backend.Backend;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.List;
import java.util.Optional;

/** U: what stands for each feature, shard by shard. */
final class FeatureDirections {
  private final TensorView wDec;

  /** g, where features pass through the final norm. */
  private final Optional<TensorView> finalNorm;

  private FeatureDirections(TensorView wDec, Optional<TensorView> finalNorm) {
    this.wDec = wDec;
    this.finalNorm = finalNorm;
  }

  static FeatureDirections of(
      SparseAutoencoder sae, Vocabulary vocabulary, ExplainSettings.Directions directions) {
    return switch (directions) {
      case DECODER -> new FeatureDirections(sae.wDec(), Optional.empty());
      case FINAL_NORM -> {
        if (vocabulary.finalNorm().isEmpty()) {
          throw new InvalidDataException(
              "the vocabulary has no tensor 'g', the final norm's weight; one made with --from"
                  + " unembedding has it");
        }
        yield new FeatureDirections(sae.wDec(), vocabulary.finalNorm());
      }
    };
  }

  /**
   * Rows of features.
   *
   * @param owners of their memory, in the order in which they are closed
   */
  record Shard(TensorView view, List<TensorOwner> owners) implements AutoCloseable {
    @Override
    public void close() {
      owners.forEach(TensorOwner::close);
    }
  }

  /** For a pass that does not read them. */
  Shard unread(int from, int to) {
    return new Shard(wDec.rows(from, to), List.of());
  }

  Shard place(Backend backend, int from, int to) {
    if (finalNorm.isEmpty()) {
      TensorOwner placed = backend.place(wDec.rows(from, to));
      return new Shard(placed.view(), List.of(placed));
    }
    HostTensor rows = HostTensor.allocate(DType.F32, to - from, wDec.rowElements());
    float[] g = row(finalNorm.get().reshape(1, wDec.rowElements()), 0);
    for (int f = from; f < to; f++) {
      float[] passed = throughFinalNorm(row(wDec, f), g);
      HostMemory.copy(passed, 0, rows.view().rows(f - from, f - from + 1).address(), g.length);
    }
    TensorOwner placed = backend.place(rows.view());
    return new Shard(placed.view(), List.of(placed, rows));
  }

  /** U[c] ⊙ g · √d/‖U[c]‖; a zero row stays zero. */
  static float[] throughFinalNorm(float[] row, float[] g) {
    double norm = norm(row);
    double factor = norm == 0 ? 0 : Math.sqrt(row.length) / norm;
    float[] passed = new float[row.length];
    for (int e = 0; e < row.length; e++) {
      passed[e] = (float) ((double) row[e] * g[e] * factor);
    }
    return passed;
  }

  double largestNorm() {
    if (finalNorm.isEmpty()) {
      return largestNorm(wDec);
    }
    float largest = 0;
    for (float g : row(finalNorm.get().reshape(1, wDec.rowElements()), 0)) {
      largest = Math.max(largest, Math.abs(g));
    }
    return largest * Math.sqrt(wDec.rowElements());
  }

  /** Largest norm of a row of an F32 matrix in host memory. */
  static double largestNorm(TensorView matrix) {
    double largest = 0;
    for (long i = 0; i < matrix.rows(); i++) {
      largest = Math.max(largest, norm(row(matrix, i)));
    }
    return largest;
  }

  private static double norm(float[] row) {
    double square = 0;
    for (float value : row) {
      square += (double) value * value;
    }
    return Math.sqrt(square);
  }

  private static float[] row(TensorView matrix, long row) {
    float[] values = new float[Math.toIntExact(matrix.rowElements())];
    HostMemory.copy(matrix.rows(row, row + 1).address(), values, 0, values.length);
    return values;
  }
}
