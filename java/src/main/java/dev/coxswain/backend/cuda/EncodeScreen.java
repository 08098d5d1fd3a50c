package dev.coxswain.backend.cuda;

import java.util.Optional;

/**
 * The screened part of an encode: what may be active of prepared rows, as lists of places
 * (kernels/encode_planes.cu, encode_int8.cu, encode_fused.cu, encode_filter.cu). All its work is
 * enqueued in the lane's order.
 */
final class EncodeScreen {
  private final CudaLane lane;
  private final EncodeCall call;
  private final EncodePlan plan;
  private final Optional<ScreenWeights> kept;
  private final int kind;
  private final long paddedWidth;

  private final long rowPlanes;
  private final long rowScale;
  private final long rowBound;
  private final long rowNorm;
  private final long least;
  private final long listCounts;
  private final long listBounds;
  private final long listPlaces;
  private final long scores;
  private final ScreenWeights weights;
  private final long counts;
  private final long bounds;
  private final long places;

  /**
   * @param kept copies of all weights; absent: a panel is converted at a time
   */
  EncodeScreen(CudaLane lane, EncodeCall call, EncodePlan plan, Optional<ScreenWeights> kept) {
    this.lane = lane;
    this.call = call;
    this.plan = plan;
    this.kept = kept;
    this.kind = plan.path() == EncodePath.INT8 ? ScreenWeights.INT8 : ScreenWeights.BF16;
    this.paddedWidth = ScreenWeights.paddedWidth(kind, call.width());
    long rows = plan.blockRows();
    long lists = rows * plan.lists();
    this.rowPlanes = lane.scratch(2 * rows * paddedWidth);
    this.rowScale = kind == ScreenWeights.INT8 ? lane.scratch(4 * rows) : 0;
    this.rowBound = lane.scratch(4 * rows);
    this.rowNorm = lane.scratch(4 * rows);
    this.least = lane.scratch(4 * lists);
    this.listCounts = lane.scratch(4 * lists);
    this.listBounds = lane.scratch(8 * lists * plan.capacity());
    this.listPlaces = lane.scratch(4 * lists * plan.capacity());
    boolean merges = plan.lists() > 1;
    this.counts = merges ? lane.scratch(4 * rows) : listCounts;
    this.bounds = merges ? lane.scratch(8 * rows * plan.capacity()) : listBounds;
    this.places = merges ? lane.scratch(4 * rows * plan.capacity()) : listPlaces;
    boolean fused = plan.path() == EncodePath.FUSED;
    this.scores = fused ? 0 : lane.scratch(4 * rows * plan.widestPanel());
    this.weights = kept.orElseGet(this::panelWeights);
  }

  private ScreenWeights panelWeights() {
    long features = plan.widestPanel();
    long unbounded = lane.scratch(4);
    lane.fill(unbounded, (byte) 0, 4);
    return new ScreenWeights(
        lane.scratch(ScreenWeights.planeBytes(kind, features, call.width())),
        0,
        lane.scratch(4 * features),
        lane.scratch(4 * features),
        unbounded);
  }

  /** I32 [blockRows]: candidates of each row. */
  long counts() {
    return counts;
  }

  /** I32 [blockRows, capacity]: their places. */
  long places() {
    return places;
  }

  /** 8 bytes for each of {@link #places}, free for their keys. */
  long keys() {
    return bounds;
  }

  /**
   * Lists what may be active of a block's rows; rows it cannot decide become undecided.
   *
   * @param prepared F32 [rows, stride]
   * @param states I32 [rows]
   */
  void run(long prepared, long states, long rows) {
    splitRows(prepared, states, rows);
    for (long first = 0; first < call.features(); ) {
      long features = plan.nextPanel(first);
      ScreenWeights panel = panel(first, features);
      switch (plan.path()) {
        case INT8 -> {
          multiplyInt8(panel, rows);
          filter(panel, first, features, states, rows);
        }
        case PANELS -> {
          multiplyDense(panel, features, rows);
          filter(panel, first, features, states, rows);
        }
        default -> {
          fuse(panel, first, features, rows);
          tighten(panel, states, rows);
        }
      }
      first += features;
    }
    if (plan.lists() > 1) {
      merge(states, rows);
    }
  }

  private ScreenWeights panel(long first, long features) {
    if (kept.isPresent()) {
      return first == 0 ? weights : weights.from(first, paddedWidth);
    }
    weights.convert(lane, call, kind, first, features, features);
    return weights;
  }

  private void splitRows(long prepared, long states, long rows) {
    lane.args()
        .add(prepared)
        .add(states)
        .add(rowPlanes)
        .add(rowScale)
        .add(rowBound)
        .add(rowNorm)
        .add(least)
        .add(listCounts)
        .add(call.width())
        .add(paddedWidth)
        .add(plan.preparedStride())
        .add((long) plan.lists())
        .add((long) kind)
        .add(EncodePlan.boundFactor(call.width()));
    launch("encode_planes", "cox_screen_rows", plan.oneBlockEach(rows));
  }

  private void multiplyInt8(ScreenWeights panel, long rows) {
    lane.args()
        .add(panel.planes())
        .add(panel.scale())
        .add(rowPlanes)
        .add(rowScale)
        .add(scores)
        .add(call.features())
        .add(rows)
        .add(paddedWidth);
    launch("encode_int8", plan.int8Kernel(), plan.int8());
  }

  private void multiplyDense(ScreenWeights panel, long features, long rows) {
    lane.stream();
    lane.blas()
        .orElseThrow()
        .scores(
            panel.planes(),
            rowPlanes,
            scores,
            Math.toIntExact(features),
            Math.toIntExact(rows),
            Math.toIntExact(paddedWidth));
  }

  /** What bounds a panel's scores, and the rows' lists of candidates. */
  private LaunchBlock addPanel(LaunchBlock args, ScreenWeights panel) {
    return addLists(
        args.add(call.bEnc())
            .add(call.subset())
            .add(call.threshold())
            .add(panel.norm())
            .add(panel.error())
            .add(rowBound)
            .add(rowNorm));
  }

  private LaunchBlock addLists(LaunchBlock args) {
    return args.add(least).add(listCounts).add(listBounds).add(listPlaces);
  }

  private void filter(ScreenWeights panel, long first, long features, long states, long rows) {
    addPanel(lane.args().add(scores), panel)
        .add(states)
        .add(panel.unbounded())
        .add(first)
        .add(features)
        .add(call.limit())
        .add(plan.capacity())
        .add((long) plan.lists());
    launch("encode_filter", "cox_screen_filter", plan.filter(rows));
  }

  private void fuse(ScreenWeights panel, long first, long features, long rows) {
    addPanel(lane.args().add(rowPlanes).add(panel.planes()), panel)
        .add(first)
        .add(features)
        .add(rows)
        .add(paddedWidth)
        .add(plan.capacity());
    launch("encode_fused", "cox_screen_fused", plan.fused(rows, features));
  }

  private void tighten(ScreenWeights panel, long states, long rows) {
    addLists(lane.args()).add(states).add(panel.unbounded()).add(call.limit()).add(plan.capacity());
    launch("encode_filter", "cox_screen_tighten", plan.oneBlockEach(rows));
  }

  private void merge(long states, long rows) {
    addLists(lane.args())
        .add(counts)
        .add(bounds)
        .add(places)
        .add(states)
        .add(call.limit())
        .add(plan.capacity())
        .add((long) plan.lists());
    launch("encode_filter", "cox_screen_merge", plan.oneBlockEach(rows));
  }

  private void launch(String module, String kernel, LaunchShape shape) {
    lane.launch(lane.device().function(module, kernel), shape);
  }
}
