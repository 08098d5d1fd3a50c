package dev.coxswain.gpucheck;

import dev.coxswain.backend.TrainState;

/**
 * How large the operations of one round are.
 *
 * @param width d
 * @param features F of encode and decode
 * @param k active features a row
 * @param rows most rows of a batch
 * @param explained features of an explanation, of {@code features}
 * @param words V
 * @param trained F of a training step
 * @param trainRows rows of a training step
 */
public record CheckSize(
    int width,
    int features,
    int k,
    int rows,
    int explained,
    int words,
    int trained,
    int trainRows) {
  /** A small language model's layer. */
  static final CheckSize SMALL = new CheckSize(576, 4096, 32, 67, 640, 777, 4096, 128);

  /** What a software driver gets through in seconds. */
  static final CheckSize SOFTWARE = new CheckSize(100, 640, 8, 19, 200, 150, 256, 24);

  private static final CheckSize LARGE =
      new CheckSize(4096, 65_536, 64, 131, 4096, 2049, 16_384, 256);
  private static final int LEAST_FEATURES = 4096;

  /**
   * A large language model's layer, with as many features as fit.
   *
   * @param bytes that either side may take
   */
  static CheckSize large(long bytes) {
    CheckSize size = LARGE;
    while (size.bytes() > bytes && size.features > LEAST_FEATURES) {
      int features = size.features / 2;
      size =
          new CheckSize(
              size.width,
              features,
              size.k,
              size.rows,
              size.explained,
              size.words,
              Math.min(size.trained, features),
              size.trainRows);
    }
    return size;
  }

  /** The most that one side holds at once: both matrices, or a training state before and after. */
  long bytes() {
    long codec = 8L * features * width;
    long training = 3 * 4 * 3 * TrainState.parameters(trained, width) / 2;
    return Math.max(codec + codec / 2, training) + (512L << 20);
  }

  @Override
  public String toString() {
    return "d " + width + ", F " + features + ", k " + k;
  }
}
