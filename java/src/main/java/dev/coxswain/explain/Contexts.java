package dev.coxswain.explain;

import dev.coxswain.backend.Backend;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.Harvest;
import dev.coxswain.io.HarvestInfo;
import dev.coxswain.sae.SparseAutoencoder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * Finds each feature's strongest real contexts: windows of ±{@link #REACH} tokens inside a
 * document, no two of which overlap, by descending activation of the token in the middle (equal
 * ones: the earlier first). One pass; memory is F × top windows and one document.
 */
public final class Contexts {
  /** Tokens shown on either side. */
  public static final int REACH = 12;

  private final Harvest harvest;
  private final int top;
  private final List<List<Window>> best;

  /** Rows on which each feature is active. */
  private final long[] activeRows;

  private Contexts(Harvest harvest, int features, int top) {
    this.harvest = harvest;
    this.top = top;
    this.best = new ArrayList<>(Collections.nCopies(features, List.of()));
    this.activeRows = new long[features];
  }

  /** A context before its tokens become text. */
  private record Window(
      long document, int position, float activation, int[] tokens, float[] activations) {}

  /**
   * @param top contexts a feature
   * @param progress receives the rows done
   * @param sink receives every feature in order, also those that are never active
   */
  public static void collect(
      Backend backend,
      SparseAutoencoder sae,
      Harvest harvest,
      int top,
      LongConsumer progress,
      Consumer<FeatureContexts> sink) {
    if (top < 1) {
      throw new UsageException("at least 1 context a feature is needed, not " + top);
    }
    Contexts contexts = new Contexts(harvest, sae.features(), top);
    DocumentActivations documents =
        new DocumentActivations(harvest, sae.features(), contexts::addDocument);
    new ActivationStream(backend, sae, harvest).visit(sae, documents, progress);
    HarvestInfo info = harvest.info();
    double usableRows = info.rows() - info.bosRows() - info.massiveRows();
    for (int feature = 0; feature < sae.features(); feature++) {
      sink.accept(
          new FeatureContexts(
              feature,
              contexts.activeRows[feature] / Math.max(1.0, usableRows),
              contexts.best.get(feature).stream().map(contexts::text).toList()));
    }
  }

  private Context text(Window window) {
    List<String> tokens = new ArrayList<>();
    List<Float> activations = new ArrayList<>();
    for (int i = 0; i < window.tokens().length; i++) {
      int token = window.tokens()[i];
      tokens.add(token >= 0 && token < harvest.pieces().size() ? harvest.pieces().get(token) : "");
      activations.add(window.activations()[i]);
    }
    return new Context(
        window.document(), window.position(), window.activation(), tokens, activations);
  }

  /** Overlaps exist within a document only, so the best of each document are enough. */
  private void addDocument(DocumentActivations.Document document) {
    document.eachFeature(
        (feature, rows, activations) -> {
          activeRows[feature] += rows.length;
          for (int place : document.peaks(activations, rows, top, 2 * REACH)) {
            if (!offer(feature, document, rows, activations, place)) {
              break;
            }
          }
        });
  }

  private boolean offer(
      int feature,
      DocumentActivations.Document document,
      int[] rows,
      float[] activations,
      int place) {
    List<Window> kept = best.get(feature);
    float activation = activations[place];
    if (kept.size() == top && kept.get(top - 1).activation() >= activation) {
      return false;
    }
    if (kept.isEmpty()) {
      kept = new ArrayList<>(top);
      best.set(feature, kept);
    } else if (kept.size() == top) {
      kept.remove(top - 1);
    }
    int at = kept.size();
    while (at > 0 && kept.get(at - 1).activation() < activation) {
      at--;
    }
    kept.add(at, window(document, rows, activations, place));
    return true;
  }

  private static Window window(
      DocumentActivations.Document document, int[] rows, float[] activations, int place) {
    int middle = rows[place];
    int from = Math.max(0, middle - REACH);
    int to = Math.min(document.tokens().length, middle + REACH + 1);
    float[] around = new float[to - from];
    for (int i = place; i >= 0 && rows[i] >= from; i--) {
      around[rows[i] - from] = activations[i];
    }
    for (int i = place; i < rows.length && rows[i] < to; i++) {
      around[rows[i] - from] = activations[i];
    }
    return new Window(
        document.number(),
        document.positions()[middle],
        activations[place],
        java.util.Arrays.copyOfRange(document.tokens(), from, to),
        around);
  }
}
