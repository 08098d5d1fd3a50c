package dev.coxswain.train;

import dev.coxswain.backend.Backend;
import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.io.AvailableMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Trains a Top-K SAE (math.md, training) and writes it as a SAELens folder. The same rows and
 * options give the same bits on every backend, also when the run is killed at any moment and
 * resumed: a checkpoint in the output folder is replaced whole every so often and removed when the
 * SAE is there. Memory does not grow with the input: two windows of shuffled rows, the parameters
 * and their moments.
 *
 * <p>A trainer describes one run; {@link #run} carries it out on the calling thread.
 */
public final class Trainer {
  /** What to do about a run that is already in the output folder. */
  public enum Start {
    /** Begin at step 1; an interrupted run there is an error, a finished one is replaced. */
    NEW,
    /** Go on from the checkpoint; without one begin at step 1; a finished run is left as it is. */
    RESUME
  }

  private final Backend backend;
  private final MarkedRows rows;
  private final TrainOptions options;
  private final Path out;
  private Optional<Path> metrics = Optional.empty();
  private Start start = Start.NEW;
  private long checkpointSteps = Long.MAX_VALUE;
  private Duration checkpointTime = Duration.ofSeconds(60);
  private TrainProgress progress = TrainProgress.SILENT;

  /**
   * @param rows to train on, opened with the options' hold-out; stays the caller's
   * @param out folder of the SAE; made where missing
   */
  public Trainer(Backend backend, MarkedRows rows, TrainOptions options, Path out) {
    this.backend = Objects.requireNonNull(backend);
    this.rows = Objects.requireNonNull(rows);
    this.options = Objects.requireNonNull(options);
    this.out = Objects.requireNonNull(out);
  }

  /**
   * Where the figures go, one JSON object a line; {@code metrics.jsonl} in the folder otherwise.
   */
  public Trainer metrics(Path path) {
    metrics = Optional.of(path);
    return this;
  }

  public Trainer start(Start value) {
    start = value;
    return this;
  }

  /** Checkpoints after this many steps or this much time, whichever comes first. */
  public Trainer checkpoints(long steps, Duration time) {
    checkpointSteps = steps;
    checkpointTime = time;
    return this;
  }

  public Trainer progress(TrainProgress value) {
    progress = value;
    return this;
  }

  /**
   * @throws UsageException where the folder holds an interrupted run and none is to be resumed, or
   *     one with other options
   * @throws InvalidDataException where no row is usable, or the loss stops being a number
   */
  public TrainResult run() {
    requireWritable();
    String data = rows.fingerprint();
    boolean interrupted = Checkpoint.exists(out);
    if (start == Start.RESUME && !interrupted && RunRecord.exists(out)) {
      return finishedBefore(data);
    }
    if (start == Start.NEW && interrupted) {
      throw new UsageException(
          out
              + " holds an interrupted run at step "
              + Checkpoint.read(out).step()
              + ": resume it, or remove "
              + Checkpoint.in(out));
    }
    Checkpoint begin = interrupted ? resumed(data) : fresh(data);
    MemoryPlan plan = MemoryPlan.of(options, rows.width(), rows.rows(), backend.space());
    AvailableMemory.require(plan.onHost(), "training (" + plan.describe() + ")");
    makeFolder();
    progress.say(
        interrupted ? "resuming after step " + begin.step() : begin.survey().describe(rows.rows()));
    progress.say(plan.describe());
    return train(begin, interrupted);
  }

  /** Before rows are read for minutes, and without writing anything yet. */
  private void requireWritable() {
    Path log = metricsFile().toAbsolutePath();
    if (Files.isDirectory(log)) {
      throw new FileException("cannot write " + metricsFile() + ": it is a folder", null);
    }
    if (metrics.isPresent() && !Files.isDirectory(log.getParent())) {
      throw new FileException(
          "cannot write " + metricsFile() + ": there is no folder " + log.getParent(), null);
    }
    Path existing = out.toAbsolutePath();
    while (!Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (!Files.isDirectory(existing)) {
      throw new FileException("cannot write to " + out + ": " + existing + " is no folder", null);
    }
    if (!Files.isWritable(existing)) {
      throw new FileException("cannot write to " + out + ": permission denied", null);
    }
  }

  /** Makes the folder, and clears away what a killed or earlier run left in it. */
  private void makeFolder() {
    try {
      Files.createDirectories(out);
    } catch (IOException e) {
      throw FileException.of("cannot make folder", out, e);
    }
    AtomicFile.removeAbandoned(Checkpoint.in(out));
    for (String name : List.of("sae_weights.safetensors", "cfg.json", "train.json")) {
      AtomicFile.removeAbandoned(out.resolve(name));
    }
    RunRecord.delete(out);
  }

  private TrainResult finishedBefore(String data) {
    RunRecord record = RunRecord.read(out);
    Checkpoint.requireSame(record.options(), record.data(), options.byName(), data);
    progress.say("the run in " + out + " is finished already");
    return new TrainResult(
        out, record.last(), record.rows(), record.meanNorm(), 0, options.steps() + 1);
  }

  private Checkpoint resumed(String data) {
    Checkpoint checkpoint = Checkpoint.read(out);
    Checkpoint.requireSame(checkpoint.options(), checkpoint.data(), options.byName(), data);
    return checkpoint;
  }

  private Checkpoint fresh(String data) {
    Survey survey = Survey.of(rows, options.biasStart(), progress::looked);
    return new Checkpoint(options.byName(), data, 0, RowStream.Position.START, 0, survey);
  }

  private TrainResult train(Checkpoint begin, boolean interrupted) {
    try (TrainingState state = new TrainingState(backend, options.features(), rows.width());
        MetricsFile file = new MetricsFile(metricsFile(), begin.metricsBytes())) {
      if (interrupted) {
        Checkpoint.load(out, state);
      } else {
        state.start(options.seed(), scaled(begin.survey()));
      }
      TrainingRun run =
          new TrainingRun(
              backend, rows, options, state, file, progress, checkpointSteps, checkpointTime);
      TrainFigures last = run.go(begin, out);
      Export.write(state, options, begin.survey(), rows.harvest(), out);
      Survey survey = begin.survey();
      new RunRecord(options.byName(), begin.data(), survey.counts(), survey.meanNorm(), last)
          .write(out);
      Checkpoint.delete(out);
      return new TrainResult(
          out, last, survey.counts(), survey.meanNorm(), run.rowsPerSecond(), begin.step() + 1);
    }
  }

  private Path metricsFile() {
    return metrics.orElse(out.resolve("metrics.jsonl"));
  }

  private static double[] scaled(Survey survey) {
    return java.util.Arrays.stream(survey.center()).map(e -> e * survey.scale()).toArray();
  }
}
