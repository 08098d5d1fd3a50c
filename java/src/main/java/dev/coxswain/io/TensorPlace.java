package dev.coxswain.io;

import dev.coxswain.error.UsageException;
import java.nio.file.Path;

/**
 * A tensor to be written: {@code file} (tensor {@code x}) or {@code file.safetensors:tensor}.
 *
 * @param file to write
 * @param tensor its one tensor
 */
public record TensorPlace(Path file, String tensor) {
  private static final String SUFFIX = ".safetensors:";

  /**
   * @throws UsageException for an empty tensor name
   */
  public static TensorPlace parse(String text) {
    int end = text.lastIndexOf(SUFFIX);
    if (end < 0) {
      return new TensorPlace(Path.of(text), "x");
    }
    int colon = end + SUFFIX.length() - 1;
    String tensor = text.substring(colon + 1);
    if (tensor.isEmpty()) {
      throw new UsageException("'" + text + "' names no tensor after its colon");
    }
    return new TensorPlace(Path.of(text.substring(0, colon)), tensor);
  }
}
