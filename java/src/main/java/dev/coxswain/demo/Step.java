package dev.coxswain.demo;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * One piece of the demo's work. Its result is files, written whole or not at all, and figures; both
 * are kept, so that a run that was interrupted goes on where it was.
 */
interface Step {
  /** Its key in the summary's {@code seconds}, as "harvest". */
  String name();

  /** What is being done, for people, as "reading the corpus". */
  String title();

  /**
   * Everything its result depends on beside the steps before it; a change runs it, and all after
   * it, again.
   */
  Map<String, Object> settings();

  /** Files and folders that are there when it is done. */
  List<Path> outputs();

  /**
   * Does the work.
   *
   * @param figures of the steps before
   * @return its own figures, by their names in summary.json
   */
  ObjectNode run(ObjectNode figures, Listener listener);

  /**
   * What came out, in a few words for people; empty where there is nothing to say.
   *
   * @param own the step's figures
   */
  default String result(ObjectNode own) {
    return "";
  }
}
