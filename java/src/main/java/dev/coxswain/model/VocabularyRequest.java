package dev.coxswain.model;

import java.nio.file.Path;
import java.util.List;

/**
 * Word embeddings to take from a model.
 *
 * @param source where a word's row comes from
 * @param layer the block whose output {@code TEMPLATE} reads; unused otherwise
 * @param out V.safetensors; V.words.txt and V.dropped.txt stand beside it
 */
public record VocabularyRequest(Source source, int layer, List<String> words, Path out) {
  /** Where rows come from (docs/design.md, vocabulary). */
  public enum Source {
    /** The hidden state of the word's last token in "The word is WORD", less the mean. */
    TEMPLATE,
    /** The mean output-embedding row of the word's tokens. */
    UNEMBEDDING
  }

  public VocabularyRequest {
    words = List.copyOf(words);
  }

  /**
   * @param words written
   * @param dropped and why stands in V.dropped.txt
   */
  public record Result(long words, long dropped) {}
}
