package dev.coxswain.train;

import dev.coxswain.error.UsageException;

/**
 * A share of the documents kept out of training, so that an SAE can be judged on text it has not
 * seen. A document is on one side or the other by a hash of its number alone: every run and every
 * command agrees, whatever the seed.
 *
 * @param fraction of the documents held out, 0 (none) to below 1
 */
public record HoldOut(double fraction) {
  public static final HoldOut NONE = new HoldOut(0);

  /** Metadata key of an SAE: the fraction of documents it was not trained on. */
  public static final String METADATA = "coxswain.hold_out";

  public HoldOut {
    if (!(fraction >= 0 && fraction < 1)) {
      throw new UsageException(
          "the fraction of documents held out must be from 0 to below 1, was " + fraction);
    }
  }

  public boolean any() {
    return fraction > 0;
  }

  public boolean contains(long document) {
    return (SeededRandom.mix(document + 1) >>> 11) * 0x1p-53 < fraction;
  }
}
