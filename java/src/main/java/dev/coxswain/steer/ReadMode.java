package dev.coxswain.steer;

import java.util.Locale;

/** Where a plan's read vectors come from (math.md, steering). */
public enum ReadMode {
  /** R = W_enc of the set, c = b_enc − δ·b_dec·W_enc. */
  ENCODER,
  /** R = W_dec of the set, c = 0: the paper's tied form. */
  DECODER;

  /** As plans write it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
