package dev.coxswain.train;

/** Hears how a run goes, on the thread that runs it. */
public interface TrainProgress {
  /** Hears nothing. */
  TrainProgress SILENT = new TrainProgress() {};

  /** A line for the user: the rows, the memory plan, where a run resumes. */
  default void say(String line) {}

  /**
   * While the rows are looked at, before the first step; more than once over them all.
   *
   * @param rows done
   */
  default void looked(long rows, long of) {}

  /**
   * After each step.
   *
   * @param steps of the whole run
   */
  default void step(TrainFigures figures, long steps) {}
}
