package dev.coxswain.train;

import java.util.StringJoiner;

/**
 * Rows by what became of them.
 *
 * @param usable rows used
 * @param bos left out as the first position of a context
 * @param massive left out for a norm over 5 × the median
 * @param nonFinite left out for NaN or ±Inf
 * @param otherSide left out because their document is on the other side of the hold-out
 */
public record RowCounts(long usable, long bos, long massive, long nonFinite, long otherSide) {
  public static final RowCounts ZERO = new RowCounts(0, 0, 0, 0, 0);

  RowCounts plus(RowBlock block) {
    return new RowCounts(
        usable + block.count(RowMark.USABLE),
        bos + block.count(RowMark.BOS),
        massive + block.count(RowMark.MASSIVE),
        nonFinite + block.count(RowMark.NON_FINITE),
        otherSide + block.count(RowMark.OTHER_SIDE));
  }

  public long total() {
    return usable + leftOut();
  }

  public long leftOut() {
    return bos + massive + nonFinite + otherSide;
  }

  /** As in "12 BOS, 3 massive, 50 held out", or "none". */
  public String describeLeftOut() {
    StringJoiner text = new StringJoiner(", ");
    add(text, bos, " BOS");
    add(text, massive, " massive");
    add(text, nonFinite, " not finite");
    add(text, otherSide, " of held-out or other documents");
    return text.length() == 0 ? "none" : text.toString();
  }

  private static void add(StringJoiner text, long count, String what) {
    if (count > 0) {
      text.add(count + what);
    }
  }
}
