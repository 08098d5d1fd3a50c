package dev.coxswain.demo;

/** Hears how far the demo is; called from the demo's thread only. */
public interface Listener {
  /** A step begins; {@code number} of {@code count}, from 1. */
  void begins(int number, int count, String title);

  /** The step that began was done in an earlier run, or has been done now. */
  void ends(Outcome outcome, double seconds, String result);

  /** A line for the user, as "downloading …". */
  void say(String line);

  /**
   * How far the step is.
   *
   * @param unit plural, as "tokens"
   * @param note what else there is to say, as "loss 0.31"; may be empty
   */
  void progress(long done, long total, String unit, String note);

  /** How a step came to its end. */
  enum Outcome {
    DONE,
    KEPT
  }
}
