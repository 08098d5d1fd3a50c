package dev.coxswain.gpucheck;

import dev.coxswain.backend.TrainReport;
import dev.coxswain.backend.TrainState;
import dev.coxswain.backend.TrainStep;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import java.util.Locale;

/** Training steps in a row, with dead features for AuxK to bring back. */
final class TrainParity {
  private static final int STEPS = 3;
  private static final long DEAD_AFTER = 1000;

  private final CheckSize size;
  private final long seed;

  TrainParity(CheckSize size, long seed) {
    this.size = size;
    this.seed = seed;
  }

  void run(Comparison comparison) {
    Draw draw = new Draw(seed);
    float range = (float) Math.sqrt(3.0 / size.width());
    try (HostTensor w = draw.floats(range, size.trained(), size.width());
        HostTensor bDec = draw.floats(0.1f, size.width());
        HostTensor rowsSinceFired = sinceFired(size.trained());
        HostTensor x = draw.floats(1, (long) STEPS * size.trainRows(), size.width())) {
      String name =
          String.format(
              Locale.ROOT,
              "d %d, F %d, k %d, n %d, %d steps",
              size.width(),
              size.trained(),
              size.k(),
              size.trainRows(),
              STEPS);
      comparison.compare(
          "train",
          name,
          seed,
          (side, outcome) ->
              train(side, state(side, w, bDec, rowsSinceFired), side.copy(x), outcome));
    }
  }

  /** Every eighth feature has long been silent. */
  private static HostTensor sinceFired(int features) {
    HostTensor since = HostTensor.allocate(DType.I64, features);
    for (int f = 0; f < features; f += 8) {
      HostMemory.putLong(since.view().address() + 8L * f, 2 * DEAD_AFTER);
    }
    return since;
  }

  /** W_dec begins as W_enc, as training does; its rows need no exact unit norm here. */
  static TrainState state(Side side, HostTensor w, HostTensor bDec, HostTensor rowsSinceFired) {
    long features = w.view().rows();
    long width = w.view().rowElements();
    long parameters = TrainState.parameters(features, width);
    return new TrainState(
        side.copy(w),
        side.allocate(DType.F32, features),
        side.copy(w),
        side.copy(bDec),
        side.allocate(DType.F32, parameters),
        side.allocate(DType.F32, parameters),
        side.copy(rowsSinceFired));
  }

  static TrainStep step(int k, int width, long number) {
    return new TrainStep(k, width / 2, 1 / 32f, DEAD_AFTER, number, 1e-3f, 0.9f, 0.999f, 1e-8f);
  }

  private void train(Side side, TrainState state, TensorView x, Outcome outcome) {
    for (int i = 0; i < STEPS; i++) {
      long first = (long) i * size.trainRows();
      TensorView rows = x.rows(first, first + size.trainRows());
      TrainReport report =
          side.backend().trainStep(state, step(size.k(), size.width(), i + 1), rows);
      outcome.add("loss", report.loss());
      outcome.add("FVU", report.fvu());
      outcome.add("AuxK's loss", report.auxLoss());
      outcome.add("active features", report.activeFeatures());
      outcome.add("dead features", report.deadFeatures());
    }
    outcome.add("W_enc", state.wEnc());
    outcome.add("b_enc", state.bEnc());
    outcome.add("W_dec", state.wDec());
    outcome.add("b_dec", state.bDec());
    outcome.add("m", state.firstMoment());
    outcome.add("v", state.secondMoment());
    outcome.add("rows since fired", state.rowsSinceFired());
  }
}
