package dev.coxswain.bench;

/**
 * Size of an autoencoder, written {@code d576-F4096}.
 *
 * @param width d
 * @param features F
 */
record Size(int width, int features) {
  static final int K = 32;

  static Size parse(String text) {
    String[] parts = text.split("-");
    return new Size(
        Integer.parseInt(parts[0].substring(1)), Integer.parseInt(parts[1].substring(1)));
  }

  long weightBytes() {
    return 4L * width * features;
  }
}
