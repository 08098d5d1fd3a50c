package dev.coxswain.gpucheck;

import java.util.Arrays;

/** Times of one thing, in seconds. */
record Samples(double[] sorted) {
  static Samples of(double... seconds) {
    double[] sorted = seconds.clone();
    Arrays.sort(sorted);
    return new Samples(sorted);
  }

  double median() {
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Half of what the middle half of the samples spans, as a share of the median. */
  double spread() {
    double quarter = sorted[sorted.length / 4];
    double threeQuarters = sorted[sorted.length - 1 - sorted.length / 4];
    return (threeQuarters - quarter) / 2 / median();
  }
}
