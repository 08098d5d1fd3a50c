package dev.coxswain.explain;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.Harvest;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * A vocabulary from a harvest alone: a word's vector is the mean hidden state at its last token
 * over its occurrences as a whole word, minus the mean of all rows, scaled to norm ρ. BOS and
 * massive rows are left out. Streams over the rows; memory is V·d doubles.
 *
 * @param vocabulary the words that have a vector; the caller owns it
 * @param dropped words that have none, with the reason
 */
public record ContextsVocabulary(Vocabulary vocabulary, Map<String, String> dropped) {
  private static final long BLOCK_BYTES = 16 << 20;

  /** ρ: the norm at which decoder rows of norm 1 are explained best (docs/design.md). */
  public static final double NORM = 20;

  /**
   * @param minCount occurrences, usable rows only, that a word needs
   * @param wanted words to embed; empty = the corpus' own, most frequent first
   * @param progress receives the rows done
   * @throws InvalidDataException where no word has a vector
   */
  public static ContextsVocabulary build(
      Harvest harvest, int minCount, Optional<List<String>> wanted, LongConsumer progress) {
    if (minCount < 1) {
      throw new UsageException("a word needs at least 1 occurrence, not " + minCount);
    }
    WordCounts counts = WordCounts.of(harvest);
    Map<String, String> dropped = new LinkedHashMap<>();
    Map<String, Integer> index = new LinkedHashMap<>();
    for (String word : wanted.orElseGet(counts::byFrequency)) {
      String lower = word.toLowerCase(Locale.ROOT);
      Optional<String> reason = unusable(lower, counts.of(lower), minCount);
      if (reason.isPresent()) {
        dropped.putIfAbsent(word, reason.get());
      } else if (index.putIfAbsent(lower, index.size()) != null) {
        dropped.putIfAbsent(word, "stands in the list before");
      }
    }
    WordMeans means = new WordMeans(harvest.width(), index.size());
    means.addAll(harvest, index, progress);
    return means.vocabulary(List.copyOf(index.keySet()), minCount, dropped);
  }

  private static Optional<String> unusable(String word, long count, int minCount) {
    if (!word.codePoints().allMatch(Character::isLetter)) {
      return Optional.of("is not a run of letters");
    }
    return count >= minCount ? Optional.empty() : Optional.of(tooRare(count, minCount));
  }

  private static String tooRare(long count, int minCount) {
    return "occurs " + count + " times as a whole word, fewer than " + minCount;
  }

  /** Running sums of hidden states: of every word, and of all rows. */
  private static final class WordMeans {
    private final int width;
    private final double[][] sums;
    private final long[] rows;
    private final double[] allSum;
    private long allRows;

    WordMeans(int width, int words) {
      this.width = width;
      this.sums = new double[words][width];
      this.rows = new long[words];
      this.allSum = new double[width];
    }

    void addAll(Harvest harvest, Map<String, Integer> index, LongConsumer progress) {
      HarvestWords words = new HarvestWords(harvest);
      Optional<HarvestWords.Occurrence> next = words.next();
      long block = Math.max(1, BLOCK_BYTES / (4L * width));
      float[] state = new float[width];
      try (HostTensor buffer =
          HostTensor.allocate(DType.F32, Math.min(block, harvest.rows()), width)) {
        for (long from = 0; from < harvest.rows(); from += block) {
          long to = Math.min(harvest.rows(), from + block);
          TensorView view = buffer.view().rows(0, to - from);
          harvest.rowSource().readFloats(from, to, view);
          boolean[] skip = harvest.skip(from, to);
          for (long row = from; row < to; row++) {
            boolean usable = !skip[(int) (row - from)];
            HostMemory.copy(view.address() + 4 * (row - from) * width, state, 0, width);
            allRows += usable ? add(state, allSum) : 0;
            while (next.isPresent() && next.get().row() == row) {
              Integer word = index.get(next.get().word());
              if (usable && word != null) {
                rows[word] += add(state, sums[word]);
              }
              next = words.next();
            }
          }
          progress.accept(to);
        }
      }
    }

    private static int add(float[] state, double[] sum) {
      for (int e = 0; e < sum.length; e++) {
        sum[e] += state[e];
      }
      return 1;
    }

    ContextsVocabulary vocabulary(
        List<String> candidates, int minCount, Map<String, String> dropped) {
      List<Integer> kept = new ArrayList<>();
      for (int w = 0; w < candidates.size(); w++) {
        if (rows[w] < minCount) {
          dropped.put(candidates.get(w), tooRare(rows[w], minCount) + ", BOS and massive aside");
        } else if (norm(centred(w)) == 0) {
          dropped.put(candidates.get(w), "its mean state is the mean of all rows");
        } else {
          kept.add(w);
        }
      }
      if (kept.isEmpty()) {
        throw new InvalidDataException(
            "no word stands in the harvest " + minCount + " times or more as a whole word");
      }
      HostTensor embeddings = HostTensor.allocate(DType.F32, kept.size(), width);
      for (int i = 0; i < kept.size(); i++) {
        float[] vector = scaled(centred(kept.get(i)));
        HostMemory.copy(vector, 0, embeddings.view().rows(i, i + 1).address(), width);
      }
      List<String> words = kept.stream().map(candidates::get).toList();
      return new ContextsVocabulary(
          new Vocabulary(words, embeddings, Optional.empty()),
          Collections.unmodifiableMap(dropped));
    }

    private double[] centred(int word) {
      double[] mean = new double[width];
      for (int e = 0; e < width; e++) {
        mean[e] = sums[word][e] / rows[word] - allSum[e] / allRows;
      }
      return mean;
    }

    private static double norm(double[] vector) {
      double square = 0;
      for (double value : vector) {
        square += value * value;
      }
      return Math.sqrt(square);
    }

    private static float[] scaled(double[] vector) {
      double factor = NORM / norm(vector);
      float[] scaled = new float[vector.length];
      for (int e = 0; e < vector.length; e++) {
        scaled[e] = (float) (vector[e] * factor);
      }
      return scaled;
    }
  }
}
