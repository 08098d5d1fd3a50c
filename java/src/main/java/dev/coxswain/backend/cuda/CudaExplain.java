package dev.coxswain.backend.cuda;

import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.backend.ExplainShard;
import dev.coxswain.backend.ExplainWords;
import dev.coxswain.backend.Requirements;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.Optional;

/**
 * Both passes of the explanation: kernels/explain_logits.cu makes the logits of a chunk of
 * features, explain_statistics.cu sums and explain_top.cu ranks them. One call's work runs on one
 * lane.
 */
final class CudaExplain {
  private static final long WIDEST = 1 << 30;

  /** (max, Σ) of one word, which the kernels read at once. */
  private static final long COLUMN_BYTES = 16;

  private final CudaLane lane;
  private final ExplainOptions options;
  private final ExplainPlan plan;
  private final ExplainShard shard;

  /** Where a chunk's logits go, or all of a shard's. */
  private final long logits;

  private CudaExplain(CudaLane lane, ExplainShard shard, ExplainOptions options, ExplainPlan plan) {
    CudaDevice device = lane.device();
    this.lane = lane;
    this.options = options;
    this.plan = plan;
    this.shard = shard;
    this.logits =
        plan.stored() ? device.address("L", shard.logits()) : lane.scratch(plan.logitBytes());
  }

  /** Room for a shard's logits, where the device's memory has it. */
  static Optional<TensorOwner> room(CudaDevice device, long features, long words) {
    try (CudaLane lane = device.lane()) {
      if (!ExplainPlan.hasRoom(features, words, lane.device().memory()[0])) {
        return Optional.empty();
      }
      return Optional.of(
          DeviceBuffer.allocate(device, DType.F32, ExplainPlan.logits(features, words)));
    }
  }

  static void statistics(
      CudaDevice device,
      ExplainShard shard,
      ExplainOptions options,
      TensorView rowLogSumExp,
      TensorView columns) {
    require(shard, options, rowLogSumExp, columns);
    if (shard.features().rows() == 0) {
      return;
    }
    try (CudaLane lane = device.lane()) {
      ExplainPlan plan =
          ExplainPlan.statistics(
              shard.features().rows(),
              shard.words().rows(),
              shard.features().rowElements(),
              shard.logits().isPresent(),
              device.traits(),
              device.memory()[0]);
      statistics(lane, plan, shard, options, rowLogSumExp, columns);
    }
  }

  /** By a plan of any chunk. */
  static void statistics(
      CudaLane lane,
      ExplainPlan plan,
      ExplainShard shard,
      ExplainOptions options,
      TensorView rowLogSumExp,
      TensorView columns) {
    CudaDevice device = lane.device();
    new CudaExplain(lane, shard, options, plan)
        .statistics(
            device.address("row statistics", rowLogSumExp),
            device.address("column statistics", columns));
    lane.synchronize();
    device.written(rowLogSumExp);
    device.written(columns);
  }

  static void top(
      CudaDevice device,
      ExplainShard shard,
      ExplainOptions options,
      TensorView rowLogSumExp,
      TensorView columns,
      ExplainWords best) {
    require(shard, options, rowLogSumExp, columns);
    Requirements.explainTop(shard, best);
    if (shard.features().rows() == 0) {
      return;
    }
    try (CudaLane lane = device.lane()) {
      ExplainPlan plan =
          ExplainPlan.top(
              shard.features().rows(),
              shard.words().rows(),
              shard.features().rowElements(),
              best.words().rowElements(),
              shard.logits().isPresent(),
              device.traits(),
              device.memory()[0]);
      top(lane, plan, shard, options, rowLogSumExp, columns, best);
    }
  }

  /** By a plan of any chunk and number of lists. */
  static void top(
      CudaLane lane,
      ExplainPlan plan,
      ExplainShard shard,
      ExplainOptions options,
      TensorView rowLogSumExp,
      TensorView columns,
      ExplainWords best) {
    CudaDevice device = lane.device();
    new CudaExplain(lane, shard, options, plan)
        .top(
            device.address("row statistics", rowLogSumExp),
            device.address("column statistics", columns),
            best);
    lane.synchronize();
    device.written(best.words());
    device.written(best.scores());
    device.written(best.wordGivenFeature());
    device.written(best.logFeatureGivenWord());
  }

  private static void require(
      ExplainShard shard, ExplainOptions options, TensorView rowLogSumExp, TensorView columns) {
    Requirements.explain(shard, options, rowLogSumExp, columns);
    long stride = ExplainPlan.stride(shard.words().rows());
    shard.logits().ifPresent(l -> l.require("L", DType.F32, shard.features().rows(), stride));
    if (columns.address() % COLUMN_BYTES != 0) {
      throw new IllegalArgumentException(
          "the column statistics begin at no multiple of " + COLUMN_BYTES + " bytes");
    }
    if (shard.features().rowElements() >= WIDEST) {
      throw new IllegalArgumentException(
          "U has rows of " + shard.features().rowElements() + " elements; less than 2^30 fit");
    }
  }

  private void statistics(long rowLogSumExp, long columns) {
    long rowParts = lane.scratch(plan.rowPartBytes());
    long columnParts = lane.scratch(plan.columnPartBytes());
    for (long from = 0; from < plan.features(); from += plan.chunk()) {
      long count = Math.min(plan.chunk(), plan.features() - from);
      makeLogits(from, count);
      lane.args()
          .add(logits)
          .add(rowParts)
          .add(columnParts)
          .add(count)
          .add(plan.words())
          .add(ExplainPlan.stride(plan.words()))
          .add((double) options.alpha())
          .add((double) options.beta());
      launch("explain_statistics", "cox_explain_blocks", plan.blocks(count));
      lane.args().add(rowParts).add(rowLogSumExp + 8 * from).add(count).add(plan.wordBlocks());
      launch("explain_statistics", "cox_explain_merge_rows", plan.mergeRows(count));
      lane.args().add(columnParts).add(columns).add(plan.words()).add(plan.featureBlocks(count));
      launch("explain_statistics", "cox_explain_merge_columns", plan.mergeColumns());
    }
  }

  private void top(long rowLogSumExp, long columns, ExplainWords best) {
    long columnLogSumExp = lane.scratch(8 * plan.words());
    long kept = lane.scratch(plan.keptBytes());
    lane.args().add(columns).add(columnLogSumExp).add(plan.words());
    launch("explain_statistics", "cox_explain_column_logs", plan.mergeColumns());
    for (long from = 0; from < plan.features(); from += plan.chunk()) {
      long count = Math.min(plan.chunk(), plan.features() - from);
      if (!plan.stored()) {
        makeLogits(from, count);
      }
      LaunchBlock args = lane.args();
      args.add(logits).add(rowLogSumExp + 8 * from).add(columnLogSumExp).add(kept);
      addBest(args, best, from, count);
      launch("explain_top", "cox_explain_top", plan.rank(count));
    }
  }

  private void addBest(LaunchBlock args, ExplainWords best, long from, long count) {
    CudaDevice device = lane.device();
    args.add(device.address("words", best.words()) + 4 * from * plan.top())
        .add(device.address("scores", best.scores()) + 8 * from * plan.top())
        .add(device.address("p(w|c)", best.wordGivenFeature()) + 8 * from * plan.top())
        .add(device.address("log p(c|w)", best.logFeatureGivenWord()) + 8 * from * plan.top())
        .add(count)
        .add(plan.words())
        .add(ExplainPlan.stride(plan.words()))
        .add(plan.top())
        .add((double) options.alpha())
        .add((double) options.beta())
        .add(options.shift());
  }

  /** Of features {@code from} on; a shard's that are kept go to their place. */
  private void makeLogits(long from, long count) {
    CudaDevice device = lane.device();
    long features = device.address("U", shard.features());
    long words = device.address("E", shard.words());
    long width = plan.width();
    boolean aligned = width % 4 == 0 && features % 16 == 0 && words % 16 == 0;
    lane.args()
        .add(features + 4 * from * width)
        .add(words)
        .add(logits)
        .add(count)
        .add(plan.words())
        .add(width)
        .add(ExplainPlan.stride(plan.words()));
    String kernel = aligned ? "cox_explain_logits" : "cox_explain_logits_any";
    launch("explain_logits", kernel, plan.logits(count));
  }

  private void launch(String module, String kernel, LaunchShape shape) {
    lane.launch(lane.device().function(module, kernel), shape);
  }
}
