package dev.coxswain.explain;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.backend.ExplainShard;
import dev.coxswain.backend.ExplainWords;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * Explains every feature of an SAE by words (math.md, mutual-information explanation): two passes
 * over shards of features, so that memory holds F + V + a shard, and F×V logits only where the
 * backend has room for them. Stateless and thread-safe; which shards it takes does not change the
 * result.
 */
public final class Explainer {
  /** A shard's rows and results stay below this. */
  private static final long SHARD_BYTES = 64 << 20;

  private final Backend backend;
  private final int shardFeatures;

  public Explainer(Backend backend) {
    this(backend, 0);
  }

  /**
   * @param shardFeatures features a shard, a multiple of {@link Backend#EXPLAIN_TILE}; 0 = by
   *     memory
   */
  Explainer(Backend backend, int shardFeatures) {
    this.backend = backend;
    this.shardFeatures = shardFeatures;
  }

  /**
   * @param progress receives the features done in both passes: 2 F in the end
   * @param sink receives every feature's explanation, in feature order
   * @throws InvalidDataException where SAE and vocabulary do not fit each other, or a logit could
   *     leave float32
   */
  public void explain(
      SparseAutoencoder sae,
      Vocabulary vocabulary,
      ExplainSettings settings,
      LongConsumer progress,
      Consumer<Explanation> sink) {
    requireFit(sae, vocabulary, settings);
    ExplainOptions options =
        new ExplainOptions(settings.objective(), settings.alpha(), settings.beta(), sae.features());
    FeatureDirections directions = FeatureDirections.of(sae, vocabulary, settings.directions());
    requireFiniteLogits(directions, vocabulary);
    int shard = shardFeatures > 0 ? shardFeatures : shardFeatures(sae.width(), settings.top());
    try (TensorOwner words = backend.place(vocabulary.embeddings());
        TensorOwner columns = emptyColumns(vocabulary.size());
        TensorOwner rows = backend.allocate(DType.F64, Shape.of(sae.features()));
        LogitRooms rooms = new LogitRooms(backend, vocabulary.size())) {
      for (int from = 0; from < sae.features(); from += shard) {
        int to = Math.min(sae.features(), from + shard);
        try (FeatureDirections.Shard features = directions.place(backend, from, to)) {
          backend.explainStatistics(
              new ExplainShard(features.view(), words.view(), rooms.open(from, to)),
              options,
              rows.view().rows(from, to),
              columns.view());
        }
        progress.accept(to);
      }
      for (int from = 0; from < sae.features(); from += shard) {
        int to = Math.min(sae.features(), from + shard);
        Optional<TensorView> logits = rooms.at(from);
        try (FeatureDirections.Shard features =
                logits.isPresent()
                    ? directions.unread(from, to)
                    : directions.place(backend, from, to);
            BestWords best = new BestWords(backend, to - from, settings.top())) {
          backend.explainTop(
              new ExplainShard(features.view(), words.view(), logits),
              options,
              rows.view().rows(from, to),
              columns.view(),
              best.views());
          rooms.close(from);
          best.read(from, vocabulary.words()).forEach(sink);
        }
        progress.accept((long) sae.features() + to);
      }
    }
  }

  /** Every explanation at once, for small dictionaries. */
  public List<Explanation> explain(
      SparseAutoencoder sae, Vocabulary vocabulary, ExplainSettings settings) {
    List<Explanation> explanations = new ArrayList<>();
    explain(sae, vocabulary, settings, done -> {}, explanations::add);
    return explanations;
  }

  private static void requireFit(
      SparseAutoencoder sae, Vocabulary vocabulary, ExplainSettings settings) {
    if (vocabulary.width() != sae.width()) {
      throw new InvalidDataException(
          String.format(
              "the vocabulary's vectors have %d elements, the SAE's features %d; both must come"
                  + " from one model",
              vocabulary.width(), sae.width()));
    }
    if (settings.top() > vocabulary.size()) {
      throw new InvalidDataException(
          settings.top()
              + " words a feature are asked for, but the vocabulary has only "
              + vocabulary.size());
    }
  }

  /** By Cauchy-Schwarz no partial sum of a logit exceeds the product of the largest norms. */
  private static void requireFiniteLogits(FeatureDirections directions, Vocabulary vocabulary) {
    double bound =
        directions.largestNorm() * FeatureDirections.largestNorm(vocabulary.embeddings());
    if (!(bound < Float.MAX_VALUE / 2)) {
      throw new InvalidDataException(
          "features and words are so large that a logit may reach "
              + bound
              + ", beyond float32; scale the vocabulary down");
    }
  }

  private static int shardFeatures(int width, int top) {
    long tile = Backend.EXPLAIN_TILE;
    long rowBytes = 4L * width + 28L * top;
    return (int) (tile * Math.max(1, Math.min(1 << 16, SHARD_BYTES / (rowBytes * tile))));
  }

  /** (−∞, 0) a word. */
  private TensorOwner emptyColumns(int words) {
    TensorOwner columns = backend.allocate(DType.F64, Shape.of(words, 2));
    try (HostTensor empty = HostTensor.allocate(DType.F64, words, 2)) {
      for (long w = 0; w < words; w++) {
        HostMemory.putDouble(empty.view().address() + 16 * w, Double.NEGATIVE_INFINITY);
      }
      backend.copy(empty.view(), columns.view());
      return columns;
    } catch (RuntimeException e) {
      columns.close();
      throw e;
    }
  }

  /** A shard's results on the device. */
  private static final class BestWords implements AutoCloseable {
    private final Backend backend;
    private final List<TensorOwner> owners = new ArrayList<>();
    private final int features;
    private final int top;

    BestWords(Backend backend, int features, int top) {
      this.backend = backend;
      this.features = features;
      this.top = top;
      for (DType dtype : List.of(DType.I32, DType.F64, DType.F64, DType.F64)) {
        owners.add(backend.allocate(dtype, Shape.of(features, top)));
      }
    }

    ExplainWords views() {
      return new ExplainWords(view(0), view(1), view(2), view(3));
    }

    private TensorView view(int index) {
      return owners.get(index).view();
    }

    List<Explanation> read(int firstFeature, List<String> words) {
      try (HostTensor indices = onHost(0);
          HostTensor scores = onHost(1);
          HostTensor given = onHost(2);
          HostTensor logs = onHost(3)) {
        List<Explanation> explanations = new ArrayList<>();
        for (int f = 0; f < features; f++) {
          List<ExplainedWord> best = new ArrayList<>();
          for (long i = (long) f * top; i < (f + 1L) * top; i++) {
            best.add(
                new ExplainedWord(
                    words.get(indices.getInt(i)), at(scores, i), at(given, i), at(logs, i)));
          }
          explanations.add(new Explanation(firstFeature + f, best));
        }
        return explanations;
      }
    }

    private static double at(HostTensor tensor, long index) {
      return HostMemory.getDouble(tensor.view().address() + 8 * index);
    }

    private HostTensor onHost(int index) {
      TensorView source = view(index);
      HostTensor copy = HostTensor.allocate(source.dtype(), source.shape());
      backend.copy(source, copy.view());
      return copy;
    }

    @Override
    public void close() {
      owners.forEach(TensorOwner::close);
    }
  }
}
