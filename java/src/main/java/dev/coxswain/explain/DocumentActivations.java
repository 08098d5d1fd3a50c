package dev.coxswain.explain;

import dev.coxswain.io.Harvest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;

/** Gathers the active features of one document after the other. */
final class DocumentActivations implements ActivationStream.Visitor {
  /** A longer document is taken in parts of so many rows, lest one book fill the memory. */
  private static final int LONGEST = 1 << 16;

  private static final int LOOK_AHEAD = 1 << 10;

  private final Harvest harvest;
  private final int features;
  private final Consumer<Document> sink;
  private int[] rows = new int[1 << 12];
  private int[] indices = new int[1 << 12];
  private float[] values = new float[1 << 12];
  private int count;

  /** First row of the document being gathered. */
  private long start;

  /** One past its last row; it is known as soon as the document begins. */
  private long end;

  DocumentActivations(Harvest harvest, int features, Consumer<Document> sink) {
    this.harvest = harvest;
    this.features = features;
    this.sink = sink;
    this.end = endOfDocument(0);
  }

  private long endOfDocument(long from) {
    long limit = Math.min(harvest.rows(), from + LONGEST);
    if (from >= limit) {
      return limit;
    }
    long number = harvest.documents(from, from + 1)[0];
    for (long row = from + 1; row < limit; row += LOOK_AHEAD) {
      long[] documents = harvest.documents(row, Math.min(limit, row + LOOK_AHEAD));
      for (int i = 0; i < documents.length; i++) {
        if (documents[i] != number) {
          return row + i;
        }
      }
    }
    return limit;
  }

  @Override
  public void active(long row, int feature, float activation) {
    finishBefore(row);
    if (count == rows.length) {
      rows = Arrays.copyOf(rows, 2 * count);
      indices = Arrays.copyOf(indices, 2 * count);
      values = Arrays.copyOf(values, 2 * count);
    }
    rows[count] = (int) (row - start);
    indices[count] = feature;
    values[count++] = activation;
  }

  @Override
  public void rowsDone(long row) {
    finishBefore(row);
    if (row == harvest.rows() && start < row) {
      finish();
    }
  }

  private void finishBefore(long row) {
    while (row >= end && end < harvest.rows()) {
      finish();
    }
  }

  private void finish() {
    if (count > 0) {
      sink.accept(document());
    }
    count = 0;
    start = end;
    end = endOfDocument(start);
  }

  private Document document() {
    return new Document(
        harvest.documents(start, start + 1)[0],
        harvest.tokens(start, end),
        harvest.positions(start, end),
        byFeature());
  }

  /** Receives one feature's active rows within a document, ascending. */
  interface FeatureVisitor {
    void feature(int feature, int[] rows, float[] activations);
  }

  private record FeatureRows(int feature, int[] rows, float[] activations) {}

  /** A counting sort: entries come by ascending row and stay so within a feature. */
  private List<FeatureRows> byFeature() {
    int[] ends = new int[features + 1];
    for (int i = 0; i < count; i++) {
      ends[indices[i] + 1]++;
    }
    for (int f = 0; f < features; f++) {
      ends[f + 1] += ends[f];
    }
    int[] starts = ends.clone();
    int[] sortedRows = new int[count];
    float[] sortedValues = new float[count];
    for (int i = 0; i < count; i++) {
      int place = starts[indices[i]]++;
      sortedRows[place] = rows[i];
      sortedValues[place] = values[i];
    }
    List<FeatureRows> found = new ArrayList<>();
    for (int f = 0; f < features; f++) {
      if (ends[f] < ends[f + 1]) {
        found.add(
            new FeatureRows(
                f,
                Arrays.copyOfRange(sortedRows, ends[f], ends[f + 1]),
                Arrays.copyOfRange(sortedValues, ends[f], ends[f + 1])));
      }
    }
    return found;
  }

  /**
   * A document's tokens and what is active in it.
   *
   * @param number as the harvest counts
   */
  record Document(long number, int[] tokens, int[] positions, List<FeatureRows> active) {
    void eachFeature(FeatureVisitor visitor) {
      active.forEach(f -> visitor.feature(f.feature(), f.rows(), f.activations()));
    }

    /**
     * The places of the strongest entries, strongest first (equal ones: the earlier first), any two
     * more than {@code apart} rows from one another.
     */
    List<Integer> peaks(float[] activations, int[] rows, int most, int apart) {
      List<Integer> order = new ArrayList<>();
      for (int i = 0; i < rows.length; i++) {
        order.add(i);
      }
      order.sort(Comparator.comparing((Integer i) -> -activations[i]));
      List<Integer> peaks = new ArrayList<>();
      for (int i : order) {
        if (peaks.size() < most
            && peaks.stream().allMatch(p -> Math.abs(rows[p] - rows[i]) > apart)) {
          peaks.add(i);
        }
      }
      return peaks;
    }
  }
}
