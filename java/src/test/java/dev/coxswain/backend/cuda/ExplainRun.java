package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.ExplainShard;
import dev.coxswain.backend.ExplainWords;
import dev.coxswain.backend.contract.Placed;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** The tensors of one explanation in a backend's memory. */
final class ExplainRun implements AutoCloseable {
  private final Backend backend;
  private final List<TensorOwner> owned = new ArrayList<>();
  private final TensorView u;
  private final TensorView e;
  final TensorView rows;
  final TensorView columns;
  private final ExplainWords best;

  /**
   * @param u [F, d]
   * @param e [V, d]
   */
  ExplainRun(Backend backend, float[] u, float[] e, int d, int top) {
    int features = u.length / d;
    int words = e.length / d;
    this.backend = backend;
    this.u = place(HostTensor.ofFloats(Shape.of(features, d), u));
    this.e = place(HostTensor.ofFloats(Shape.of(words, d), e));
    this.rows = room(DType.F64, features);
    this.columns = place(emptyColumns(words));
    this.best =
        new ExplainWords(
            room(DType.I32, features, top),
            room(DType.F64, features, top),
            room(DType.F64, features, top),
            room(DType.F64, features, top));
  }

  private static HostTensor emptyColumns(int words) {
    HostTensor columns = HostTensor.allocate(DType.F64, words, 2);
    for (long w = 0; w < words; w++) {
      HostMemory.putDouble(columns.view().address() + 16 * w, Double.NEGATIVE_INFINITY);
    }
    return columns;
  }

  private TensorView place(HostTensor host) {
    owned.add(host);
    TensorOwner placed = backend.place(host.view());
    owned.add(placed);
    return placed.view();
  }

  private TensorView room(DType dtype, long... extents) {
    HostTensor rubbish = HostTensor.allocate(dtype, extents);
    HostMemory.fill(rubbish.view().address(), rubbish.view().byteSize(), (byte) 0x7b);
    return place(rubbish);
  }

  int features() {
    return Math.toIntExact(u.rows());
  }

  ExplainShard shard(int from, int to, Optional<TensorView> logits) {
    return new ExplainShard(u.rows(from, to), e, logits);
  }

  ExplainShard whole(Optional<TensorView> logits) {
    return shard(0, features(), logits);
  }

  /** Of features {@code from} (inclusive) to {@code to} (exclusive). */
  ExplainWords best(int from, int to) {
    return new ExplainWords(
        best.words().rows(from, to),
        best.scores().rows(from, to),
        best.wordGivenFeature().rows(from, to),
        best.logFeatureGivenWord().rows(from, to));
  }

  ExplainWords best() {
    return best;
  }

  /** Everything both passes left. */
  record Result(
      int[] words,
      double[] scores,
      double[] given,
      double[] logs,
      double[] rows,
      double[] columns) {
    void assertSame(Result other, String where) {
      assertArrayEquals(rows, other.rows, where);
      assertArrayEquals(columns, other.columns, where);
      assertArrayEquals(words, other.words, where);
      assertArrayEquals(scores, other.scores, where);
      assertArrayEquals(given, other.given, where);
      assertArrayEquals(logs, other.logs, where);
    }
  }

  Result result() {
    return new Result(
        Placed.ints(backend, best.words()),
        Placed.doubles(backend, best.scores()),
        Placed.doubles(backend, best.wordGivenFeature()),
        Placed.doubles(backend, best.logFeatureGivenWord()),
        Placed.doubles(backend, rows),
        Placed.doubles(backend, columns));
  }

  @Override
  public void close() {
    Collections.reverse(owned);
    owned.forEach(TensorOwner::close);
  }
}
