package dev.coxswain.backend.cuda;

import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.TrainReport;
import dev.coxswain.backend.TrainState;
import dev.coxswain.backend.TrainStep;
import dev.coxswain.tensor.DType;
import java.util.Optional;

/** One training step at work, in the order of docs/design.md; its memory is the lane's. */
final class CudaTrainStep {
  private final CudaLane lane;
  private final CudaEncode encode;
  private final TrainStep step;
  private final Tensors at;
  private final long rows;
  private final long width;
  private final long features;
  private final TrainSums sums;
  private final long squares;

  /**
   * Device addresses of what the step reads and changes.
   *
   * @param x [n, d]
   */
  private record Tensors(
      long x,
      long wEnc,
      long bEnc,
      long wDec,
      long bDec,
      long firstMoment,
      long secondMoment,
      long sinceFired) {
    /** Whether all that a row is loaded from begins at a multiple of 16 bytes. */
    boolean aligned() {
      return (x | wEnc | wDec | bDec | firstMoment | secondMoment) % 16 == 0;
    }
  }

  /** What is rebuilt from active features: its pairs, and the address of what is left over. */
  private record Part(TrainPairs pairs, long error) {}

  /**
   * The dead features' numbers, ascending, on the device; how many where AuxK is wanted, else 0.
   */
  private record Dead(long numbers, int count) {}

  /** The kernels' TrainHot. */
  private record Hot(long slots, long features, long gradients, long bias) {
    LaunchBlock addTo(LaunchBlock args) {
      return args.add(slots).add(features).add(gradients).add(bias);
    }
  }

  /**
   * @param x address of the rows
   */
  CudaTrainStep(
      CudaLane lane, CudaEncode encode, TrainState state, TrainStep step, long rows, long x) {
    CudaDevice device = lane.device();
    this.lane = lane;
    this.encode = encode;
    this.step = step;
    this.rows = rows;
    at =
        new Tensors(
            x,
            device.address("W_enc", state.wEnc()),
            device.address("b_enc", state.bEnc()),
            device.address("W_dec", state.wDec()),
            device.address("b_dec", state.bDec()),
            device.address("m", state.firstMoment()),
            device.address("v", state.secondMoment()),
            device.address("rows since fired", state.rowsSinceFired()));
    width = state.width();
    features = state.features();
    sums = new TrainSums(lane.scratch(TrainSums.BYTES));
    squares = lane.scratch(4 * rows);
  }

  TrainReport run() {
    Dead dead = findDead();
    int kAux = Math.min(step.kAux(), dead.count());
    TrainPlan plan =
        TrainPlan.of(
            rows, width, features, (long) step.k() + kAux, at.aligned(), lane.device().traits());
    Part main = reconstruct(plan, kAux);
    Optional<Part> aux =
        kAux == 0 ? Optional.empty() : Optional.of(reconstructError(plan, kAux, dead, main));
    Hot hot = sortByFeature(plan, main, aux);
    update(plan, main, aux, hot);
    return sums.fetchReport(lane, step.auxCoefficient());
  }

  private void launch(String module, String kernel, LaunchShape shape) {
    lane.launch(lane.device().function(module, kernel), shape);
  }

  /** How many there are decides how much memory AuxK needs; nothing else is under way yet. */
  private Dead findDead() {
    lane.fill(sums.address(), (byte) 0, TrainSums.BYTES);
    long numbers = lane.scratch(4 * features);
    lane.args()
        .add(at.sinceFired())
        .add(features)
        .add(step.deadAfter())
        .add(numbers)
        .add(sums.address());
    launch("train", "cox_train_dead", TrainPlan.dead());
    return new Dead(numbers, step.kAux() == 0 ? 0 : sums.fetchDead(lane));
  }

  /** V, the active features, e and E. */
  private Part reconstruct(TrainPlan plan, int kAux) {
    long mean = lane.scratch(4 * width);
    lane.args().add(at.x()).add(rows).add(width).add(mean);
    launch("train", "cox_train_mean", plan.columns());
    addSquares(plan, at.x(), mean, TrainSums.VARIANCE, kAux);
    Part main = new Part(new TrainPairs(lane, plan, step.k()), lane.scratch(4 * rows * width));
    select(main.pairs(), 0, features);
    main.pairs().order(0);
    main.pairs().error(at.x(), at.wDec(), at.bDec(), main.error());
    addSquares(plan, main.error(), 0, TrainSums.ERROR, kAux);
    return main;
  }

  /** AuxK: the error rebuilt from dead features. */
  private Part reconstructError(TrainPlan plan, int kAux, Dead dead, Part main) {
    Part aux = new Part(new TrainPairs(lane, plan, kAux), lane.scratch(4 * rows * width));
    select(aux.pairs(), dead.numbers(), dead.count());
    aux.pairs().order(sums.address());
    aux.pairs().error(main.error(), at.wDec(), 0, aux.error());
    addSquares(plan, aux.error(), 0, TrainSums.AUX_ERROR, kAux);
    return aux;
  }

  /**
   * Finds each row's active features.
   *
   * @param subset numbers of the features to look at, or 0 for all
   * @param count of these
   */
  private void select(TrainPairs pairs, long subset, long count) {
    EncodeCall call =
        new EncodeCall(
            at.wEnc(),
            at.bEnc(),
            subset,
            count,
            width,
            0,
            pairs.places(),
            at.x(),
            rows,
            DType.F32,
            Normalization.NONE,
            at.bDec(),
            pairs.values(),
            pairs.indices(),
            0,
            pairs.places());
    encode.encodeRows(lane, call, Optional.empty());
  }

  /**
   * Double sum over the rows of ‖u − w‖².
   *
   * @param w address of a row, or 0 for none
   */
  private void addSquares(TrainPlan plan, long u, long w, long which, int kAux) {
    lane.args().add(u).add(w).add(rows).add(width).add(squares);
    launch("train", "cox_train_squares", plan.squares());
    lane.args()
        .add(squares)
        .add(rows)
        .add(which)
        .add((double) step.auxCoefficient())
        .add(kAux)
        .add(sums.address());
    launch("train", "cox_train_sum", TrainPlan.sum());
  }

  private Hot sortByFeature(TrainPlan plan, Part main, Optional<Part> aux) {
    main.pairs().count();
    aux.ifPresent(part -> part.pairs().count());
    long places = plan.hotPlaces();
    Hot hot =
        new Hot(
            lane.scratch(4 * features),
            lane.scratch(4 * places),
            lane.scratch(8 * places * width),
            lane.scratch(4 * places));
    LaunchBlock args =
        lane.args()
            .add(main.pairs().totals())
            .add(aux.map(part -> part.pairs().totals()).orElse(0L))
            .add(features)
            .add(main.pairs().begin())
            .add(aux.map(part -> part.pairs().begin()).orElse(0L))
            .add(TrainPlan.HOT_ABOVE)
            .add(places);
    hot.addTo(args).add(sums.address());
    launch("train_sort", "cox_train_begin", TrainPlan.begin());
    main.pairs().scatter(main.error(), at.wDec(), sums.scale());
    aux.ifPresent(part -> part.pairs().scatter(part.error(), at.wDec(), sums.auxScale()));
    return hot;
  }

  /** Adds the fields of TrainGradientArgs. */
  private LaunchBlock addGradient(LaunchBlock args, Part main, Optional<Part> aux, Hot hot) {
    args.add(at.x())
        .add(at.bDec())
        .add(main.error())
        .add(aux.map(Part::error).orElse(0L))
        .add(width)
        .add(at.sinceFired())
        .add(step.deadAfter());
    main.pairs().addTo(args);
    aux.map(Part::pairs).ifPresentOrElse(p -> p.addTo(args), () -> TrainPairs.addNone(args));
    return hot.addTo(args).add(sums.address());
  }

  private void update(TrainPlan plan, Part main, Optional<Part> aux, Hot hot) {
    addGradient(lane.args(), main, aux, hot).add(rows);
    launch("train_hot", "cox_train_hot", plan.hot());
    AdamNumbers adam = AdamNumbers.of(step);
    long inputGradients = lane.scratch(4 * plan.blocks() * width);
    adam.addTo(addGradient(lane.args(), main, aux, hot))
        .add(features)
        .add(rows)
        .add(at.wEnc())
        .add(at.bEnc())
        .add(at.wDec())
        .add(at.firstMoment())
        .add(at.secondMoment())
        .add(at.sinceFired())
        .add(inputGradients)
        .add(plan.wide() ? lane.scratch(8 * plan.blocks() * width) : 0);
    launch("train_update", plan.updateKernel(), plan.update());
    long moment = 4 * (2 * features * width + features);
    LaunchBlock args =
        lane.args().add(main.error()).add(inputGradients).add(rows).add(plan.blocks()).add(width);
    adam.addTo(args)
        .add(at.bDec())
        .add(at.firstMoment() + moment)
        .add(at.secondMoment() + moment)
        .add(sums.address());
    launch("train_update", "cox_train_bias", plan.columns());
  }
}
