package dev.coxswain.backend;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.TensorView;
import java.util.Locale;

/**
 * What must hold of an operation's arguments on every backend, so that all refuse the same with the
 * same words. Where the memory lies is for each backend to check.
 *
 * @throws IllegalArgumentException (all methods) with the line that says what does not fit
 */
public final class Requirements {
  private Requirements() {}

  private static void require(boolean holds, String message, Object... values) {
    if (!holds) {
      throw new IllegalArgumentException(String.format(Locale.ROOT, message, values));
    }
  }

  public static void sameTypeAndShape(TensorView source, TensorView target) {
    require(
        target.dtype() == source.dtype() && target.shape().equals(source.shape()),
        "cannot copy %s %s to %s %s",
        source.dtype(),
        source.shape(),
        target.dtype(),
        target.shape());
  }

  private static void hiddenStates(String name, TensorView view, long rows, long width) {
    require(
        view.dtype().isHiddenState() && view.shape().is(rows, width),
        "%s is %s %s; F32, F16 or BF16 [%d, %d] is needed",
        name,
        view.dtype(),
        view.shape(),
        rows,
        width);
  }

  private static void intFeatures(long features) {
    require(features <= Integer.MAX_VALUE, "F = %d is beyond 2^31-1", features);
  }

  public static void encode(Encoder encoder, TensorView x, SparseRows active) {
    hiddenStates("x", x, active.rows(), encoder.width());
    intFeatures(encoder.features());
  }

  public static void decode(Decoder decoder, SparseRows active, TensorView xHat) {
    hiddenStates("x̂", xHat, active.rows(), decoder.width());
    intFeatures(decoder.features());
  }

  public static void explain(
      ExplainShard shard, ExplainOptions options, TensorView rowLogSumExp, TensorView columns) {
    TensorView features = shard.features();
    TensorView words = shard.words();
    long width = features.rowElements();
    features.require("U", DType.F32, features.rows(), width);
    words.require("E", DType.F32, words.rows(), width);
    rowLogSumExp.require("row statistics", DType.F64, features.rows());
    columns.require("column statistics", DType.F64, words.rows(), 2);
    require(
        options.alpha() > 0 && options.beta() > 0 && options.features() >= features.rows(),
        "temperatures and F must fit: %s",
        options);
    require(
        words.rows() >= 1 && words.rows() <= Integer.MAX_VALUE,
        "V = %d; 1 to 2^31-1 is possible",
        words.rows());
  }

  /** On top of {@link #explain}. */
  public static void explainTop(ExplainShard shard, ExplainWords best) {
    long features = shard.features().rows();
    long words = shard.words().rows();
    long top = best.words().rowElements();
    require(
        best.words().rows() == features && top >= 1 && top <= words,
        "the best words are %s; [%d, 1 to %d] is needed",
        best.words().shape(),
        features,
        words);
  }

  public static void train(TrainState state, TrainStep step, TensorView x) {
    x.require("x", DType.F32, x.rows(), state.width());
    require(
        x.rows() >= 1 && x.rows() <= Integer.MAX_VALUE,
        "%d rows; a step needs 1 to 2^31-1",
        x.rows());
    require(
        step.k() >= 1 && step.k() <= state.features(),
        "k = %d is not between 1 and F = %d",
        step.k(),
        state.features());
    require(
        step.kAux() >= 0 && step.step() >= 1,
        "kAux = %d, step = %d; at least 0 and 1 are needed",
        step.kAux(),
        step.step());
  }

  public static void steerWidth(int width) {
    require(width >= 1, "width = %d; at least 1 is needed", width);
  }

  public static void steerRule(int width, long found) {
    require(found == width, "a rule of width %d in a plan of %d", found, width);
  }

  /** Of {@link SteerKernel#apply}; allocates nothing where all is well. */
  public static void steerRows(
      long x, long xStride, long y, long yStride, long rows, long rowBytes) {
    if (rows < 0 || xStride < rowBytes || yStride < rowBytes) {
      throw new IllegalArgumentException(
          rows + " rows of " + rowBytes + " bytes, " + xStride + " and " + yStride + " apart");
    }
    if (rows > 0 && (x == 0 || y == 0)) {
      throw new IllegalArgumentException("address 0 for " + rows + " rows");
    }
    boolean inPlace = x == y && xStride == yStride;
    if (rows > 0 && !inPlace && x < y + rows * yStride && y < x + rows * xStride) {
      interleaved(x, xStride, y, yStride, rowBytes);
    }
  }

  /** Of {@link SteerBatch#apply}; allocates nothing where all is well. */
  public static void rowKernels(int count, long rowKernels, long rows) {
    for (long i = 0; i < rows; i++) {
      int kernel = HostMemory.getInt(rowKernels + 4 * i);
      if (kernel < SteerBatch.NO_KERNEL || kernel >= count) {
        throw new IllegalArgumentException(
            "row " + i + " has kernel " + kernel + "; it must be -1 or below " + count);
      }
    }
  }

  /** Two column ranges of one matrix may interleave; any other overlap would be read half-done. */
  private static void interleaved(long x, long xStride, long y, long yStride, long rowBytes) {
    long apart = Math.floorMod(y - x, xStride);
    if (xStride != yStride || apart < rowBytes || apart > xStride - rowBytes) {
      throw new IllegalArgumentException("the rows of y overlap those of x");
    }
  }
}
