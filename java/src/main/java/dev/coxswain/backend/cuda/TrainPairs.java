package dev.coxswain.backend.cuda;

/**
 * The (row, feature) pairs of a training step on the device, by row and then by feature: memory of
 * a lane, and the launches that fill it. The memory is the lane's.
 */
final class TrainPairs {
  private final CudaLane lane;
  private final TrainPlan plan;
  private final long places;
  private final long values;
  private final long indices;
  private final long counts;
  private final long features;
  private final long a;
  private final long ranks;
  private final long chunkCounts;
  private final long totals;
  private final long begin;
  private final long pairRows;
  private final long pairFeatures;
  private final long pairA;
  private final long dz;

  /**
   * @param places pairs a row can have
   */
  TrainPairs(CudaLane lane, TrainPlan plan, long places) {
    this.lane = lane;
    this.plan = plan;
    this.places = places;
    long most = plan.rows() * places;
    values = lane.scratch(4 * most);
    indices = lane.scratch(4 * most);
    counts = lane.scratch(4 * plan.rows());
    features = lane.scratch(4 * most);
    a = lane.scratch(4 * most);
    ranks = lane.scratch(4 * most);
    chunkCounts = lane.scratch(4 * plan.chunks() * plan.features());
    totals = lane.scratch(4 * plan.features());
    begin = lane.scratch(8 * (plan.features() + 1));
    pairRows = lane.scratch(4 * most);
    pairFeatures = lane.scratch(4 * most);
    pairA = lane.scratch(4 * most);
    dz = lane.scratch(4 * most);
  }

  long places() {
    return places;
  }

  /** [n, places] for encode's activations, best first; used up by {@link #order}. */
  long values() {
    return values;
  }

  /** [n, places] for encode's feature numbers, −1 after the last; used up by {@link #order}. */
  long indices() {
    return indices;
  }

  /** [F] pairs of each feature, after {@link #count}. */
  long totals() {
    return totals;
  }

  /** [F + 1] prefix sums of {@link #totals}; cox_train_begin writes them. */
  long begin() {
    return begin;
  }

  private CudaFunction kernel(String module, String name) {
    return lane.device().function(module, name);
  }

  /**
   * Puts each row's pairs in ascending order of the features.
   *
   * @param gate the step's sums where the pairs count only with AuxK at work, else 0
   */
  void order(long gate) {
    lane.args()
        .add(values)
        .add(indices)
        .add(places)
        .add(plan.features())
        .add(gate)
        .add(counts)
        .add(features)
        .add(a);
    lane.launch(kernel("train", "cox_train_order"), plan.order());
  }

  /**
   * error = target − (Σ a·W_dec + bias).
   *
   * @param bias [d], or 0 for none
   */
  void error(long target, long wDec, long bias, long error) {
    lane.args()
        .add(target)
        .add(wDec)
        .add(bias)
        .add(counts)
        .add(features)
        .add(a)
        .add(places)
        .add(plan.width())
        .add(error);
    lane.launch(kernel("train", "cox_train_error"), plan.error());
  }

  /** The first half of the counting sort: how many pairs each feature has. */
  void count() {
    lane.args()
        .add(counts)
        .add(features)
        .add(plan.rows())
        .add(places)
        .add(plan.features())
        .add(plan.rowsPerChunk())
        .add(chunkCounts)
        .add(ranks);
    lane.launch(kernel("train_sort", "cox_train_count"), plan.count());
    lane.args().add(plan.features()).add(plan.chunks()).add(chunkCounts).add(totals);
    lane.launch(kernel("train_sort", "cox_train_chunks"), plan.sumChunks());
  }

  /**
   * The second half: pairs by feature, and their ∂loss/∂z.
   *
   * @param scale address of a double
   */
  void scatter(long error, long wDec, long scale) {
    lane.args()
        .add(counts)
        .add(features)
        .add(a)
        .add(ranks)
        .add(chunkCounts)
        .add(begin)
        .add(places)
        .add(plan.features())
        .add(plan.rowsPerChunk())
        .add(pairRows)
        .add(pairFeatures)
        .add(pairA);
    lane.launch(kernel("train_sort", "cox_train_scatter"), plan.scatter());
    lane.args()
        .add(begin)
        .add(plan.features())
        .add(pairRows)
        .add(pairFeatures)
        .add(error)
        .add(wDec)
        .add(plan.width())
        .add(scale)
        .add(dz);
    lane.launch(kernel("train_sort", "cox_train_slope"), plan.slope(plan.rows() * places));
  }

  /** Adds the fields of the kernels' TrainPairs. */
  LaunchBlock addTo(LaunchBlock args) {
    return args.add(begin).add(pairRows).add(pairA).add(dz);
  }

  /** Adds the fields of the kernels' TrainPairs where there are none. */
  static LaunchBlock addNone(LaunchBlock args) {
    return args.add(0).add(0).add(0).add(0);
  }
}
