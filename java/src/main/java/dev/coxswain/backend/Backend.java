package dev.coxswain.backend;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.MemorySpace;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.List;
import java.util.Optional;

/**
 * One device's implementation of every operation. All views are in {@link #space()} unless a method
 * says otherwise. Results that hang on scores are the same bits on every backend, instruction set,
 * thread count and batch split: a score is the canonical one (docs/design.md), a fixed-order
 * float32 FMA dot.
 *
 * <p>Thread-safe: any thread may call any method; calls that share an output must not overlap.
 * Methods return when their result is complete.
 *
 * @throws IllegalArgumentException (all methods) where a view's type, shape or space does not fit
 * @throws IllegalStateException (all methods) once closed
 */
public interface Backend extends AutoCloseable {
  /** As {@code cox devices} names it, with its instruction set or card. */
  String name();

  MemorySpace space();

  /** Zeroed memory of this device. */
  TensorOwner allocate(DType dtype, Shape shape);

  /** Copies between this device and the host, either way, or within one; same type and shape. */
  void copy(TensorView source, TensorView target);

  /**
   * A tensor of the host for this device to read: the very view where the device reads host memory,
   * else a copy. The source must stay open and unchanged until the result is closed.
   */
  TensorOwner place(TensorView host);

  /**
   * Active features of each row.
   *
   * @param x F32, F16 or BF16 [n, d]
   * @param active receives n rows of K places; K &lt; k is allowed only if no row needs more
   */
  EncodeReport encode(Encoder encoder, TensorView x, SparseRows active);

  /**
   * x̂ from active features, accumulated in ascending feature order.
   *
   * @param xHat F32, F16 or BF16 [n, d]; one rounding at the store
   * @return elements clamped to the largest finite value of x̂'s type
   */
  long decode(Decoder decoder, SparseRows active, TensorView xHat);

  /** Binds a plan's rules, in order, to this device. */
  SteerKernel steerKernel(int width, List<SteerRule> rules, Optional<SteerCondition> condition);

  /** For rows that may each have another of this backend's kernels. */
  SteerBatch steerBatch();

  /** Rows of features that {@link #explainStatistics} and {@link #explainTop} treat as one tile. */
  int EXPLAIN_TILE = 128;

  /**
   * Room for a shard's logits, to be given to both passes: empty where computing them again is as
   * good, or memory is short.
   *
   * @param features f
   * @param words V
   */
  default Optional<TensorOwner> explainLogits(long features, long words) {
    return Optional.empty();
  }

  /**
   * First pass of the explanation over a shard of features: each row's log-sum-exp of L/α, and the
   * columns' running one of L/β. Shards are given in ascending feature order and begin at a
   * multiple of {@link #EXPLAIN_TILE}; the columns then come out the same however F is cut.
   *
   * <p>Sums are taken in double over blocks of 128 features by 128 words: lane l of 32 adds members
   * l, l+32, l+64, l+96 of the block, then lanes are added by halves (l + (l+16), then 8, 4, 2, 1);
   * blocks are merged in ascending order by (max, Σ) ← (M, Σ·e^(max−M) + Σ'·e^(max'−M)). No |L| may
   * overflow float32.
   *
   * @param rowLogSumExp written; F64 [f]
   * @param columns running (max, Σ exp(L/β − max)) of each word, updated; (−∞, 0) to begin with;
   *     F64 [V, 2]
   */
  void explainStatistics(
      ExplainShard shard, ExplainOptions options, TensorView rowLogSumExp, TensorView columns);

  /**
   * Second pass: scores every word of each feature of the shard, in double, and keeps the best M ≤
   * V.
   *
   * @param rowLogSumExp what the first pass wrote for this shard; F64 [f]
   * @param columns what the first pass left after the last shard; F64 [V, 2]
   */
  void explainTop(
      ExplainShard shard,
      ExplainOptions options,
      TensorView rowLogSumExp,
      TensorView columns,
      ExplainWords best);

  /**
   * One step of Top-K training with AuxK and Adam (math.md, training), changing {@code state}.
   *
   * @param x scaled, finite rows; F32 [n, d], n ≥ 1
   */
  TrainReport trainStep(TrainState state, TrainStep step, TensorView x);

  /** Frees what the backend owns; idempotent. Tensors it allocated must be closed before. */
  @Override
  void close();
}
