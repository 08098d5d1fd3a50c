package dev.coxswain.train;

/** Whether a row may be used, else why not. */
enum RowMark {
  USABLE,
  /** Its document is on the other side of the hold-out. */
  OTHER_SIDE,
  /** It holds NaN or ±Inf. */
  NON_FINITE,
  /** The first position of a context. */
  BOS,
  /** Its norm is over 5 × the median: the massive activation an LLM parks somewhere. */
  MASSIVE
}
