package dev.coxswain.cli;

import dev.coxswain.Engine;
import dev.coxswain.train.HoldOut;
import dev.coxswain.train.MarkedRows;
import dev.coxswain.train.TrainFigures;
import dev.coxswain.train.TrainOptions;
import dev.coxswain.train.TrainProgress;
import dev.coxswain.train.TrainResult;
import dev.coxswain.train.Trainer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "train",
    sortOptions = false,
    description = "Train a Top-K SAE on hidden states.",
    footer = {
      "",
      "Rows that are BOS or massive (norm over 5 x the median) or not finite are left out.",
      "The SAE is a SAELens folder; beside it stand metrics.jsonl and train.json."
    })
final class TrainCommand extends BaseCommand {
  @Option(
      names = "--in",
      required = true,
      arity = "1..*",
      paramLabel = "X",
      description = "Rows: harvest folders, and files as FILE or FILE:TENSOR.")
  private List<String> in;

  @Option(names = "--features", required = true, paramLabel = "F", description = "Dictionary size.")
  private int features;

  @Option(names = "--k", required = true, paramLabel = "K", description = "Active features a row.")
  private int k;

  @Option(names = "--out", required = true, paramLabel = "DIR", description = "Where the SAE goes.")
  private Path folder;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "1000",
      description = "Optimiser steps (default: ${DEFAULT-VALUE}).")
  private long steps;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "0",
      description = "Of the start and the order of rows (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--resume",
      description = "Go on from the checkpoint in DIR: the same bits as an unbroken run.")
  private boolean resume;

  @Option(
      names = "--metrics",
      paramLabel = "FILE",
      description = "Figures by step as JSON lines (default: DIR/metrics.jsonl).")
  private Path metrics;

  @Option(
      names = "--checkpoint-steps",
      paramLabel = "N",
      description = "A checkpoint every N steps, besides those by time.")
  private Long checkpointSteps;

  @Option(
      names = "--checkpoint-seconds",
      paramLabel = "S",
      defaultValue = "60",
      description = "A checkpoint every S seconds (default: ${DEFAULT-VALUE}).")
  private long checkpointSeconds;

  @Mixin private TrainTuning tuning;
  @Mixin private ComputeOptions compute;
  @Mixin private JsonOption json;

  @Override
  protected void run() {
    requireAtLeast("--checkpoint-seconds", checkpointSeconds, 1);
    if (checkpointSteps != null) {
      requireAtLeast("--checkpoint-steps", checkpointSteps, 1);
    }
    HoldOut holdOut = tuning.holdOut();
    try (MarkedRows rows = MarkedRows.open(in, holdOut, MarkedRows.Side.TRAINING)) {
      TrainOptions.Builder builder =
          TrainOptions.builder(rows.width()).features(features).k(k).steps(steps).seed(seed);
      TrainOptions options = tuning.apply(builder).build();
      try (Engine engine = compute.openEngine();
          Progress survey = Progress.start("looking at the rows", rows.rows(), "rows");
          Progress bar = Progress.start("training", options.totalRows(), "rows")) {
        print(train(engine, rows, options, listener(survey, bar)));
      }
    }
  }

  private TrainResult train(
      Engine engine, MarkedRows rows, TrainOptions options, TrainProgress progress) {
    Trainer trainer =
        new Trainer(engine.backend(), rows, options, folder)
            .start(resume ? Trainer.Start.RESUME : Trainer.Start.NEW)
            .progress(progress)
            .checkpoints(
                checkpointSteps == null ? Long.MAX_VALUE : checkpointSteps,
                Duration.ofSeconds(checkpointSeconds));
    return (metrics == null ? trainer : trainer.metrics(metrics)).run();
  }

  private TrainProgress listener(Progress survey, Progress bar) {
    return new TrainProgress() {
      @Override
      public void say(String line) {
        message("cox: " + line);
      }

      @Override
      public void looked(long rows, long of) {
        survey.update(rows);
      }

      @Override
      public void step(TrainFigures figures, long steps) {
        bar.update(
            figures.rows(),
            String.format(Locale.ROOT, "fvu %.3f  dead %d", figures.fvu(), figures.dead()));
      }
    };
  }

  private void print(TrainResult result) {
    if (json.wanted()) {
      json.print(out, asObject(result));
      return;
    }
    TrainFigures last = result.last();
    out.line(
        "%s: step %d, loss %.4f, FVU %.4f, L0 %.2f, %d dead, %.0f rows/s",
        result.sae(),
        last.step(),
        last.loss(),
        last.fvu(),
        last.l0(),
        last.dead(),
        result.rowsPerSecond());
  }

  private static Map<String, Object> asObject(TrainResult result) {
    TrainFigures last = result.last();
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("sae", result.sae().toString());
    object.put("steps", last.step());
    object.put("loss", last.loss());
    object.put("fvu", last.fvu());
    object.put("l0", last.l0());
    object.put("dead", last.dead());
    object.put("rows_per_s", result.rowsPerSecond());
    object.put("rows", result.rows().usable());
    object.put("bos_rows", result.rows().bos());
    object.put("massive_rows", result.rows().massive());
    object.put("non_finite_rows", result.rows().nonFinite());
    object.put("held_out_rows", result.rows().otherSide());
    object.put("mean_norm", result.meanNorm());
    return object;
  }
}
