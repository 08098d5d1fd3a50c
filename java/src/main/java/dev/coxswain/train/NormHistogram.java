package dev.coxswain.train;

/** The median of any number of norms in constant memory, to a relative 2^-11. */
final class NormHistogram {
  /** Of a positive float's bits, sign aside: 8 of exponent and 11 of mantissa. */
  private static final int DROPPED_BITS = 12;

  private final long[] counts = new long[1 << (31 - DROPPED_BITS)];
  private long total;

  void add(double norm) {
    counts[Float.floatToRawIntBits((float) norm) >>> DROPPED_BITS]++;
    total++;
  }

  /** The lower edge of the bin that holds the median; infinite where nothing was added. */
  double median() {
    long before = 0;
    for (int bin = 0; bin < counts.length; bin++) {
      before += counts[bin];
      if (2 * before >= total && before > 0) {
        return Float.intBitsToFloat(bin << DROPPED_BITS);
      }
    }
    return Double.POSITIVE_INFINITY;
  }
}
