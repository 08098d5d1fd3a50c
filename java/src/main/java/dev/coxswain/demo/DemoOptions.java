package dev.coxswain.demo;

import dev.coxswain.backend.Device;
import java.nio.file.Path;

/**
 * What the user asks of the demo.
 *
 * @param out the folder it writes
 * @param word the word to steer by
 * @param size how much of everything
 * @param start whether finished steps of an earlier run in that folder count
 * @param device the engine's
 * @param threads of the model and of the engine
 */
public record DemoOptions(
    Path out, String word, DemoSize size, Start start, Device device, int threads) {
  /** What to do with an earlier run's results. */
  public enum Start {
    RESUME,
    FRESH
  }
}
