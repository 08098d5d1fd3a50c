package dev.coxswain.train;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.TrainReport;
import dev.coxswain.backend.TrainStep;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.nio.file.Path;
import java.time.Duration;

/** The loop over the steps: rows in, figures and checkpoints out. */
final class TrainingRun {
  /** Lines the metrics of a long run are thinned to. */
  private static final long METRICS_LINES = 500;

  private final Backend backend;
  private final MarkedRows rows;
  private final TrainOptions options;
  private final TrainingState state;
  private final MetricsFile metrics;
  private final TrainProgress progress;
  private final long checkpointSteps;
  private final long checkpointNanos;

  private long stepNanos;
  private long stepsMade;

  TrainingRun(
      Backend backend,
      MarkedRows rows,
      TrainOptions options,
      TrainingState state,
      MetricsFile metrics,
      TrainProgress progress,
      long checkpointSteps,
      Duration checkpointTime) {
    this.backend = backend;
    this.rows = rows;
    this.options = options;
    this.state = state;
    this.metrics = metrics;
    this.progress = progress;
    this.checkpointSteps = checkpointSteps;
    this.checkpointNanos = checkpointTime.toNanos();
  }

  /** Makes the steps after {@code begin}'s; returns the last one's figures. */
  TrainFigures go(Checkpoint begin, Path folder) {
    Survey survey = begin.survey();
    MarkedRows limited = rows.withMassiveLimit(survey.massiveLimit());
    try (RowStream stream =
            new RowStream(
                limited, survey.scale(), options.seed(), options.shuffleRows(), begin.position());
        HostTensor batch = HostTensor.allocate(DType.F32, options.batchRows(), rows.width());
        TensorOwner x = backend.allocate(DType.F32, batch.shape())) {
      TrainFigures figures = null;
      long written = System.nanoTime();
      for (long step = begin.step() + 1; step <= options.steps(); step++) {
        figures = step(step, stream, batch.view(), x.view());
        boolean due =
            (step - begin.step()) % checkpointSteps == 0
                || System.nanoTime() - written >= checkpointNanos;
        if (due && step < options.steps()) {
          checkpoint(begin, step, stream).write(folder, state);
          written = System.nanoTime();
        }
      }
      return figures;
    }
  }

  private Checkpoint checkpoint(Checkpoint begin, long step, RowStream stream) {
    return new Checkpoint(
        begin.options(), begin.data(), step, stream.position(), metrics.force(), begin.survey());
  }

  /**
   * @param batch where the next rows are read to, on the host
   * @param x the backend's own copy: memory that is made once, not step after step
   */
  private TrainFigures step(long step, RowStream stream, TensorView batch, TensorView x) {
    long start = System.nanoTime();
    TrainStep numbers = numbers(step);
    stream.next(batch);
    backend.copy(batch, x);
    TrainReport report = backend.trainStep(state.view(), numbers, x);
    long nanos = System.nanoTime() - start;
    stepNanos += nanos;
    stepsMade++;
    if (!Double.isFinite(report.loss())) {
      throw new InvalidDataException(
          "training diverged at step " + step + ": the loss is no number; try a lower --lr");
    }
    TrainFigures figures = figures(step, report, options.batchRows() / (nanos / 1e9));
    if (step % metricsEvery() == 0 || step == 1 || step == options.steps()) {
      metrics.append(figures);
    }
    progress.step(figures, options.steps());
    return figures;
  }

  private long metricsEvery() {
    return Math.max(1, options.steps() / METRICS_LINES);
  }

  private TrainStep numbers(long step) {
    return new TrainStep(
        options.k(),
        options.kAux(),
        (float) options.auxCoefficient(),
        options.deadAfter(),
        step,
        (float) options.learningRateAt(step),
        (float) options.beta1(),
        (float) options.beta2(),
        (float) options.epsilon());
  }

  private TrainFigures figures(long step, TrainReport report, double rowsPerSecond) {
    return new TrainFigures(
        step,
        step * options.batchRows(),
        report.loss(),
        report.fvu(),
        (double) report.activeFeatures() / options.batchRows(),
        report.deadFeatures(),
        report.auxLoss(),
        options.learningRateAt(step),
        rowsPerSecond);
  }

  /** Over all steps made; checkpoints aside. */
  double rowsPerSecond() {
    return stepsMade == 0 ? 0 : stepsMade * options.batchRows() / (stepNanos / 1e9);
  }
}
