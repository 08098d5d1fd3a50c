package dev.coxswain.steer;

import java.util.Locale;

/** Which rows of a request a plan steers. */
public enum Positions {
  ALL,
  PROMPT,
  GENERATED,
  /** From the assistant's header on, and the generated rows. */
  REPLY;

  boolean includes(int flags) {
    return switch (this) {
      case ALL -> true;
      case PROMPT -> (flags & RowFlags.PROMPT) != 0;
      case GENERATED -> (flags & RowFlags.GENERATED) != 0;
      case REPLY -> (flags & (RowFlags.REPLY | RowFlags.GENERATED)) != 0;
    };
  }

  /** As plans write it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
