package dev.coxswain.train;

import dev.coxswain.error.InvalidDataException;
import java.util.Arrays;
import java.util.Locale;

/**
 * What a run must know of its rows before it starts. Of more than 4 million rows, evenly spread
 * blocks stand for all.
 *
 * @param meanNorm mean ‖x‖ of the usable rows
 * @param massiveLimit norm beyond which a row that comes from no harvest is massive
 * @param counts rows looked at, by what becomes of them
 * @param center where b_dec starts, in units of the hidden state; [d]
 */
record Survey(double meanNorm, double massiveLimit, RowCounts counts, double[] center) {
  private static final long MOST_ROWS = 1L << 22;
  private static final long BLOCK_BYTES = 8 << 20;

  /** Hears how far a survey is. */
  interface Listener {
    void looked(long rows, long of);
  }

  /** Sees each block of the rows looked at, in order. */
  @FunctionalInterface
  private interface Visitor {
    void visit(long from, RowBlock block);
  }

  /** Factor that brings the mean norm to √d. */
  float scale() {
    return (float) (Math.sqrt(center.length) / meanNorm);
  }

  /**
   * @throws InvalidDataException where no row is usable, or all are zero
   */
  static Survey of(MarkedRows rows, TrainOptions.BiasStart start, Listener listener) {
    double limit = rows.anyPlain() ? massiveLimit(rows, listener) : Double.POSITIVE_INFINITY;
    Moments moments = new Moments(rows.width());
    MarkedRows limited = rows.withMassiveLimit(limit);
    each(limited, moments, listener);
    requireUsable(moments);
    double[] mean = moments.mean();
    double[] center =
        start == TrainOptions.BiasStart.MEAN
            ? mean
            : geometricMedian(limited, moments, mean, listener);
    return new Survey(moments.norms / moments.counts.usable(), limit, moments.counts, center);
  }

  private static void requireUsable(Moments moments) {
    if (moments.counts.usable() == 0) {
      throw new InvalidDataException(
          "no row can be trained on: "
              + moments.counts.total()
              + " rows, left out "
              + moments.counts.describeLeftOut());
    }
    if (!(moments.norms > 0)) {
      throw new InvalidDataException(
          "no row can be trained on: all "
              + moments.counts.usable()
              + " usable rows are zero vectors");
    }
  }

  /** Counts, norms and the sum of the usable rows. */
  private static final class Moments implements Visitor {
    private final double[] sum;
    private double norms;
    private RowCounts counts = RowCounts.ZERO;

    Moments(int width) {
      sum = new double[width];
    }

    @Override
    public void visit(long from, RowBlock block) {
      counts = counts.plus(block);
      float[] x = block.values();
      for (int i = 0; i < block.rows(); i++) {
        if (block.usable(i)) {
          norms += block.norm(i);
          add(x, block.offset(i), sum);
        }
      }
    }

    double[] mean() {
      return Arrays.stream(sum).map(value -> value / counts.usable()).toArray();
    }
  }

  private static void add(float[] x, int offset, double[] sum) {
    for (int e = 0; e < sum.length; e++) {
      sum[e] += x[offset + e];
    }
  }

  /** 5 × the median norm of the plain rows, to a part in 2,000. */
  private static double massiveLimit(MarkedRows rows, Listener listener) {
    NormHistogram histogram = new NormHistogram();
    each(
        rows,
        (from, block) -> {
          for (int i = 0; i < block.rows(); i++) {
            if (block.mark(i) != RowMark.NON_FINITE && rows.plain(from + i)) {
              histogram.add(block.norm(i));
            }
          }
        },
        listener);
    return MarkedRows.MASSIVE * histogram.median();
  }

  private static void each(MarkedRows rows, Visitor visitor, Listener listener) {
    int capacity = RowBlock.rowsWithin(BLOCK_BYTES, rows.width());
    long stride = Math.max(1, (rows.rows() + MOST_ROWS - 1) / MOST_ROWS);
    try (RowBlock block = new RowBlock(capacity, rows.width())) {
      for (long from = 0; from < rows.rows(); from += stride * capacity) {
        rows.read(from, Math.min(rows.rows(), from + capacity), block);
        visitor.visit(from, block);
        listener.looked(from + block.rows(), rows.rows());
      }
    }
  }

  private static double[] geometricMedian(
      MarkedRows rows, Moments moments, double[] mean, Listener listener) {
    GeometricMedian median = new GeometricMedian(rows.width(), moments.counts.usable());
    each(rows, (from, block) -> median.offer(block), listener);
    return median.from(mean);
  }

  /** As in "200000 rows, mean norm 158.2; left out 391 BOS". */
  String describe(long allRows) {
    String looked = counts.total() == allRows ? "" : " (of " + allRows + ")";
    return String.format(
        Locale.ROOT,
        "%d rows%s, %d usable, mean norm %.4g; left out: %s",
        counts.total(),
        looked,
        counts.usable(),
        meanNorm,
        counts.describeLeftOut());
  }
}
