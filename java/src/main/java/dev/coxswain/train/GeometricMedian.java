package dev.coxswain.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The point of least mean distance to a sample of the usable rows, by Weiszfeld's iteration. */
final class GeometricMedian {
  private static final long MOST_ROWS = 32_768;
  private static final long MOST_BYTES = 64 << 20;
  private static final int MOST_ITERATIONS = 100;
  private static final double TOLERANCE = 1e-6;

  private final int width;
  private final long stride;
  private final List<float[]> sample = new ArrayList<>();
  private long seen;

  /**
   * @param usable rows that will be offered, of which evenly spread ones are taken
   */
  GeometricMedian(int width, long usable) {
    this.width = width;
    long most = Math.max(1, Math.min(MOST_ROWS, MOST_BYTES / (4L * width)));
    this.stride = Math.max(1, (usable + most - 1) / most);
  }

  void offer(RowBlock block) {
    for (int i = 0; i < block.rows(); i++) {
      if (block.usable(i) && seen++ % stride == 0) {
        int offset = block.offset(i);
        sample.add(Arrays.copyOfRange(block.values(), offset, offset + width));
      }
    }
  }

  double[] from(double[] start) {
    double[] point = start;
    for (int iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
      double[] next = improve(point);
      double moved = distance(next, point);
      double size = distance(next, new double[width]);
      point = next;
      if (moved <= TOLERANCE * size) {
        break;
      }
    }
    return point;
  }

  private double[] improve(double[] point) {
    double[] sum = new double[width];
    double weights = 0;
    for (float[] row : sample) {
      double distance = distance(row, point);
      if (distance > 0) {
        weights += 1 / distance;
        for (int e = 0; e < width; e++) {
          sum[e] += row[e] / distance;
        }
      }
    }
    double total = weights;
    return weights == 0 ? point : Arrays.stream(sum).map(value -> value / total).toArray();
  }

  private static double distance(float[] row, double[] point) {
    double sum = 0;
    for (int e = 0; e < point.length; e++) {
      sum += (row[e] - point[e]) * (row[e] - point[e]);
    }
    return Math.sqrt(sum);
  }

  private static double distance(double[] a, double[] b) {
    double sum = 0;
    for (int e = 0; e < a.length; e++) {
      sum += (a[e] - b[e]) * (a[e] - b[e]);
    }
    return Math.sqrt(sum);
  }
}
