package dev.coxswain.model;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/**
 * What to harvest.
 *
 * @param layer L: hidden states after block L, 0-based
 * @param texts files; a {@code .jsonl} holds a document a line as {@code {"text": …}}, any other
 *     file is one document
 * @param out the harvest's folder
 * @param maxTokens rows to stop at; empty: all texts
 * @param context tokens a document is cut into
 */
public record HarvestRequest(
    int layer, List<Path> texts, Path out, OptionalLong maxTokens, int context) {
  /** Tokens of a context unless asked otherwise. */
  public static final int CONTEXT = 512;

  public HarvestRequest {
    texts = List.copyOf(texts);
  }

  /**
   * How far a harvest is.
   *
   * @param rows harvested so far
   * @param documents begun so far
   * @param share of the whole, 0 to 1
   */
  public record Progress(long rows, long documents, double share, double tokensPerSecond) {}

  /** What was harvested. */
  public record Result(long rows, long documents, double seconds, double tokensPerSecond) {}
}
