package dev.coxswain.train;

/** Hears how a run goes, on the thread that runs it. */
public interface TrainProgress {
  /** Hears nothing. */
  TrainProgress SILENT = new TrainProgress() {};

  /** A line for the user: the rows, the memory plan, where a run resumes. */
  default void say(String line) {}

  /**
   * After each step.
   *
   * @param steps of the whole run
   */
  default void step(TrainFigures figures, long steps) {}
}
