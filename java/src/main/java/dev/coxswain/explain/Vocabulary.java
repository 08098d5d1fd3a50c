package dev.coxswain.explain;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.SafetensorsFile;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.io.TensorEntry;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Words with a vector each, in the space that features write to. Immutable; owns its tensors until
 * {@link #close()}.
 */
public final class Vocabulary implements AutoCloseable {
  private static final String EMBEDDINGS = "e";
  private static final String FINAL_NORM = "g";
  private static final String SUFFIX = ".safetensors";

  private final List<String> words;
  private final HostTensor embeddings;
  private final Optional<HostTensor> finalNorm;

  /**
   * Takes the tensors over.
   *
   * @param embeddings E; F32 [V, d], finite
   * @param finalNorm g, the weight of the model's final norm, for output embeddings; F32 [d]
   */
  public Vocabulary(List<String> words, HostTensor embeddings, Optional<HostTensor> finalNorm) {
    this.words = List.copyOf(words);
    this.embeddings = embeddings;
    this.finalNorm = finalNorm;
  }

  /**
   * @param wordsFile as many lines as the tensor {@code e} has rows
   * @throws InvalidDataException where the two files contradict, or a number is not finite
   */
  public static Vocabulary read(Path tensors, Path wordsFile) {
    List<String> words = WordList.read(wordsFile);
    try (SafetensorsFile file = SafetensorsFile.open(tensors)) {
      TensorEntry e = file.entry(EMBEDDINGS);
      if (e.shape().rank() != 2 || !e.dtype().isHiddenState() || e.shape().extent(1) < 1) {
        throw new InvalidDataException(
            tensors + ": tensor 'e' is " + e + "; F32, F16 or BF16 [V, d] is needed");
      }
      if (e.shape().extent(0) != words.size()) {
        throw new InvalidDataException(
            String.format(
                "%s has %d lines, but tensor 'e' of %s has %d rows; one word a row is needed",
                wordsFile, words.size(), tensors, e.shape().extent(0)));
      }
      HostTensor embeddings = readFinite(file, EMBEDDINGS);
      try {
        return new Vocabulary(words, embeddings, finalNorm(file, e.shape().extent(1)));
      } catch (RuntimeException failure) {
        embeddings.close();
        throw failure;
      }
    }
  }

  private static Optional<HostTensor> finalNorm(SafetensorsFile file, long width) {
    TensorEntry g = file.tensors().get(FINAL_NORM);
    if (g == null) {
      return Optional.empty();
    }
    if (!g.shape().is(width)) {
      throw new InvalidDataException(
          file.path() + ": tensor 'g' is " + g + "; [" + width + "] is needed");
    }
    return Optional.of(readFinite(file, FINAL_NORM));
  }

  private static HostTensor readFinite(SafetensorsFile file, String name) {
    HostTensor tensor = file.readFloats(name);
    for (long i = 0; i < tensor.shape().elements(); i++) {
      float value = tensor.getFloat(i);
      if (!Float.isFinite(value)) {
        tensor.close();
        throw new InvalidDataException(
            String.format(
                "%s: tensor '%s' holds %s at element %d; every number must be finite",
                file.path(), name, value, i));
      }
    }
    return tensor;
  }

  /**
   * Writes {@code V.safetensors}, {@code V.words.txt}, and {@code V.dropped.txt} with a line {@code
   * word, tab, reason} for each word that has no vector.
   *
   * @param tensors ends in {@code .safetensors}
   */
  public void write(Path tensors, Map<String, String> dropped) {
    WordList.write(wordsFile(tensors), words);
    WordList.write(
        droppedFile(tensors),
        dropped.entrySet().stream().map(word -> word.getKey() + "\t" + word.getValue()).toList());
    Map<String, TensorView> content = new LinkedHashMap<>();
    content.put(EMBEDDINGS, embeddings.view());
    finalNorm.ifPresent(g -> content.put(FINAL_NORM, g.view()));
    SafetensorsWriter.write(tensors, content, Map.of());
  }

  /** {@code V.words.txt} of {@code V.safetensors}. */
  public static Path wordsFile(Path tensors) {
    return sibling(tensors, ".words.txt");
  }

  /** {@code V.dropped.txt} of {@code V.safetensors}. */
  public static Path droppedFile(Path tensors) {
    return sibling(tensors, ".dropped.txt");
  }

  private static Path sibling(Path tensors, String suffix) {
    String name = String.valueOf(tensors.getFileName());
    String stem = name.endsWith(SUFFIX) ? name.substring(0, name.length() - SUFFIX.length()) : name;
    return tensors.resolveSibling(stem + suffix);
  }

  public List<String> words() {
    return words;
  }

  /** V. */
  public int size() {
    return words.size();
  }

  /** d. */
  public int width() {
    return Math.toIntExact(embeddings.shape().extent(1));
  }

  /** E; F32 [V, d]. */
  public TensorView embeddings() {
    return embeddings.view().require("e", DType.F32, size(), width());
  }

  /** g; F32 [d]; of vocabularies made of output embeddings. */
  public Optional<TensorView> finalNorm() {
    return finalNorm.map(HostTensor::view);
  }

  @Override
  public void close() {
    embeddings.close();
    finalNorm.ifPresent(HostTensor::close);
  }
}
