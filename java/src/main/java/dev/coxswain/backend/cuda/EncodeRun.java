package dev.coxswain.backend.cuda;

import dev.coxswain.backend.EncodeReport;
import dev.coxswain.tensor.HostMemory;
import java.util.Optional;

/** One encode at work in a lane: its memory, and its rows block by block. */
final class EncodeRun {
  /** EncodeReport's numbers as kernels/common/encode.cuh has them, then a count of rows. */
  private static final int REPORT_BYTES = 5 * 8;

  private final CudaLane lane;
  private final EncodeCall call;
  private final EncodePlan plan;
  private final long stride;
  private final long prepared;
  private final long states;
  private final long report;

  /** I32 [1 + blockRows]: rows of the block to be scanned in full, their number first. */
  private final long undecided;

  private final Optional<EncodeScreen> screen;
  private Optional<EncodeScores> scoreMemory = Optional.empty();
  private long wideMemory;
  private long wideBytes;

  EncodeRun(CudaLane lane, EncodeCall call, EncodePlan plan, Optional<ScreenWeights> weights) {
    this.lane = lane;
    this.call = call;
    this.plan = plan;
    this.stride = plan.preparedStride();
    long rows = plan.blockRows();
    this.prepared = lane.scratch(4 * rows * stride);
    this.states = lane.scratch(4 * rows);
    this.report = lane.scratch(REPORT_BYTES + 4 * (1 + rows));
    this.undecided = report + REPORT_BYTES;
    this.screen =
        plan.path().isScreen()
            ? Optional.of(new EncodeScreen(lane, call, plan, weights))
            : Optional.empty();
  }

  EncodeReport run() {
    lane.fill(report, (byte) 0, REPORT_BYTES);
    for (long first = 0; first < call.rows(); first += plan.blockRows()) {
      long rows = Math.min(plan.blockRows(), call.rows() - first);
      prepare(first, rows);
      if (screen.isPresent()) {
        screenBlock(screen.get(), first, rows);
      } else {
        scoreBlock(first, rows);
      }
    }
    long numbers = lane.fetch(report, REPORT_BYTES);
    long overfull = HostMemory.getLong(numbers + 24);
    return new EncodeReport(
        HostMemory.getLong(numbers),
        HostMemory.getLong(numbers + 8),
        HostMemory.getLong(numbers + 16),
        overfull == 0 ? -1 : Long.MAX_VALUE - overfull,
        HostMemory.getLong(numbers + 32));
  }

  private void prepare(long first, long rows) {
    lane.args()
        .add(call.x() + first * call.width() * call.dtype().bytes())
        .add(call.subtract())
        .add(prepared)
        .add(call.shiftScale() == 0 ? 0 : call.shiftScale() + 8 * first)
        .add(states)
        .add(report)
        .add(EncodeCall.code(call.dtype()))
        .add(call.width())
        .add(stride)
        .add(EncodeCall.code(call.normalization()));
    launch("encode", "cox_encode_prepare", plan.prepare(rows));
  }

  // --- scores and screens

  private EncodeScores scores(long rows) {
    if (scoreMemory.isEmpty()) {
      scoreMemory = Optional.of(new EncodeScores(lane, call, plan, rows));
    }
    return scoreMemory.get();
  }

  private void screenBlock(EncodeScreen screen, long first, long rows) {
    lane.fill(undecided, (byte) 0, 4);
    screen.run(prepared, states, rows);
    rescore(screen, rows);
    select(new Source(0, 0, screen.keys(), screen.counts(), 0), first, rows);
    int left = HostMemory.getInt(lane.fetch(undecided, 4));
    if (left > 0) {
      scanUndecided(first, left);
    }
  }

  /** Every score of a block's rows. */
  private void scoreBlock(long first, long rows) {
    EncodeScores scores = scores(plan.blockRows());
    boolean tiles = plan.path() == EncodePath.FULL;
    if (tiles) {
      scores.dots(prepared, rows);
    } else {
      scores.scan(prepared, 0, rows);
    }
    select(new Source(scores.address(), tiles ? call.bEnc() : 0, 0, 0, 0), first, rows);
  }

  private void rescore(EncodeScreen screen, long rows) {
    lane.args()
        .add(call.wEnc())
        .add(call.bEnc())
        .add(call.subset())
        .add(call.threshold())
        .add(prepared)
        .add(states)
        .add(screen.counts())
        .add(screen.places())
        .add(screen.keys())
        .add(call.width())
        .add(stride)
        .add(plan.capacity());
    launch("encode_scan", plan.rescoreKernel(), plan.rescore(rows));
  }

  private void scanUndecided(long first, long count) {
    long atOnce = plan.undecidedRows(plan.blockRows());
    EncodeScores scores = scores(atOnce);
    for (long from = 0; from < count; from += atOnce) {
      long rows = Math.min(atOnce, count - from);
      long rowList = undecided + 4 + 4 * from;
      scores.scan(prepared, rowList, rows);
      select(new Source(scores.address(), 0, 0, 0, rowList), first, rows);
    }
  }

  // --- selection

  /** Where selection finds a row's keys: in scores or dots, or with a screen's candidates. */
  private record Source(long scores, long bias, long keys, long counts, long rowList) {}

  private long wide(long rows, long keys) {
    long bytes = 16 * rows * keys;
    if (bytes > wideBytes) {
      wideMemory = lane.scratch(bytes);
      wideBytes = bytes;
    }
    return wideMemory;
  }

  private void select(Source source, long first, long rows) {
    boolean dense = source.scores() != 0;
    long keys = dense ? plan.scoreKeys() : plan.candidateKeys();
    lane.args()
        .add(source.scores())
        .add(source.bias())
        .add(call.threshold())
        .add(source.keys())
        .add(source.counts())
        .add(call.subset())
        .add(source.rowList())
        .add(states)
        .add(undecided)
        .add(wide(rows, keys))
        .add(call.values() + 4 * first * call.places())
        .add(call.indices() + 4 * first * call.places())
        .add(report)
        .add(call.features())
        .add(plan.capacity())
        .add(keys)
        .add(call.limit())
        .add(call.places())
        .add(first);
    String kernel = keys > 0 ? "cox_encode_select_wide" : "cox_encode_select";
    launch("encode", kernel, plan.select(rows, dense));
  }

  private void launch(String module, String kernel, LaunchShape shape) {
    lane.launch(lane.device().function(module, kernel), shape);
  }
}
