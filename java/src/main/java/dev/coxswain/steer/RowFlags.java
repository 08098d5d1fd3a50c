package dev.coxswain.steer;

/** What a host says of a row, as bits; the same values as in {@code coxswain.h}. */
public final class RowFlags {
  /** The sequence's first row, where models keep a massive activation. */
  public static final int BOS = 1;

  /** A token of the prompt. */
  public static final int PROMPT = 2;

  /** A token of the user's own text in the prompt. */
  public static final int USER = 4;

  /** From the assistant's header on: a row whose next token is the model's own. */
  public static final int REPLY = 8;

  /** A token that the model wrote. */
  public static final int GENERATED = 16;

  /** The request's last row of this pass. */
  public static final int LAST = 32;

  /** A row that belongs to nobody. */
  public static final int PAD = 64;

  private RowFlags() {}
}
