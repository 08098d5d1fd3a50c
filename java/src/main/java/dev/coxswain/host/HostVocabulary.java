package dev.coxswain.host;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.TensorView;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Writes a vocabulary (docs/design.md) from the words and rows that a host collected. */
final class HostVocabulary {
  private static final int OUT = 1;
  private static final int SOURCE = 3;
  private static final int WIDTH = 4;
  private static final int RHO = 5;
  private static final int FINAL_NORM = 6;
  private static final int ROWS = 7;
  private static final int COUNT = 8;
  private static final int WORDS = 9;
  private static final int DROPPED = 11;
  private static final int KEPT = 13;
  private static final int UNUSABLE = 14;

  /** By coxswain.h's cox_vocabulary_source. */
  private static final List<String> SOURCES = List.of("template", "unembedding");

  private static final String SUFFIX = ".safetensors";

  private final int width;
  private final long rows;
  private final List<String> words = new ArrayList<>();
  private final StringBuilder dropped;
  private int unusable;

  private HostVocabulary(NativeWords call) {
    this.width = call.getInt(WIDTH);
    this.rows = call.get(ROWS);
    this.dropped = new StringBuilder(call.text(DROPPED, "a dropped word"));
  }

  static void write(NativeWords call) {
    HostVocabulary vocabulary = new HostVocabulary(call);
    vocabulary.keepFinite(call.text(WORDS, "a word").lines().toList());
    boolean template = call.getInt(SOURCE) == 0;
    if (template) {
      vocabulary.centre(Float.intBitsToFloat(call.getInt(RHO)));
    }
    vocabulary.writeFiles(call);
    call.set(KEPT, vocabulary.words.size());
    call.set(UNUSABLE, vocabulary.unusable);
  }

  private long row(int index) {
    return rows + 4L * width * index;
  }

  private void drop(String word, String reason) {
    dropped.append(word).append('\t').append(reason).append('\n');
    unusable++;
  }

  private void keepFinite(List<String> given) {
    for (int i = 0; i < given.size(); i++) {
      if (Double.isFinite(norm(row(i)))) {
        keep(given.get(i), i);
      } else {
        drop(given.get(i), "its row is not finite");
      }
    }
  }

  /** Moves a row down to the next free place; rows are kept in order. */
  private void keep(String word, int from) {
    if (from != words.size()) {
      HostMemory.copy(row(from), row(words.size()), 4L * width);
    }
    words.add(word);
  }

  private double norm(long row) {
    double sum = 0;
    for (int e = 0; e < width; e++) {
      double value = HostMemory.getFloat(row + 4L * e);
      sum += value * value;
    }
    return Math.sqrt(sum);
  }

  /** Takes the vocabulary's mean out of each row and scales what remains to norm {@code rho}. */
  private void centre(float rho) {
    double[] mean = mean();
    List<String> given = List.copyOf(words);
    words.clear();
    for (int i = 0; i < given.size(); i++) {
      if (centre(row(i), mean, rho)) {
        keep(given.get(i), i);
      } else {
        drop(given.get(i), "its row is the vocabulary's mean");
      }
    }
  }

  private double[] mean() {
    double[] mean = new double[width];
    for (int i = 0; i < words.size(); i++) {
      for (int e = 0; e < width; e++) {
        mean[e] += HostMemory.getFloat(row(i) + 4L * e);
      }
    }
    for (int e = 0; e < width; e++) {
      mean[e] /= Math.max(1, words.size());
    }
    return mean;
  }

  /** False where nothing remains. */
  private boolean centre(long row, double[] mean, float rho) {
    double sum = 0;
    for (int e = 0; e < width; e++) {
      double rest = HostMemory.getFloat(row + 4L * e) - mean[e];
      sum += rest * rest;
    }
    double norm = Math.sqrt(sum);
    if (norm == 0) {
      return false;
    }
    for (int e = 0; e < width; e++) {
      double rest = HostMemory.getFloat(row + 4L * e) - mean[e];
      HostMemory.putFloat(row + 4L * e, (float) (rest * (rho / norm)));
    }
    return true;
  }

  private void writeFiles(NativeWords call) {
    if (words.isEmpty()) {
      throw new InvalidDataException(
          "none of the "
              + (call.get(COUNT))
              + " words with a row can be embedded: nothing to write");
    }
    Map<String, TensorView> tensors = new TreeMap<>();
    tensors.put("e", TensorView.host(rows, DType.F32, words.size(), width));
    if (call.get(FINAL_NORM) != 0) {
      tensors.put("g", TensorView.host(call.get(FINAL_NORM), DType.F32, width));
    }
    Path out = call.path(OUT, "the vocabulary's path");
    AtomicFile.writeString(beside(out, ".words.txt"), String.join("\n", words) + "\n");
    AtomicFile.writeString(beside(out, ".dropped.txt"), dropped.toString());
    Map<String, String> metadata = Map.of("source", SOURCES.get(call.getInt(SOURCE)));
    SafetensorsWriter.write(out, tensors, metadata);
  }

  private static Path beside(Path out, String suffix) {
    String name = String.valueOf(out.getFileName());
    String stem = name.endsWith(SUFFIX) ? name.substring(0, name.length() - SUFFIX.length()) : name;
    return out.resolveSibling(stem + suffix);
  }
}
