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
   * @param share of the step's work that is done, 0 to 1
   * @param note as "1,530 tokens/s"
   */
  void progress(double share, String note);

  /** How a step came to its end. */
  enum Outcome {
    DONE,
    KEPT
  }
}
