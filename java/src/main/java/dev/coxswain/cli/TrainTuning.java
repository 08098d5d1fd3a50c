package dev.coxswain.cli;

import dev.coxswain.error.UsageException;
import dev.coxswain.train.HoldOut;
import dev.coxswain.train.TrainOptions;
import dev.coxswain.train.TrainOptions.BiasStart;
import java.util.Optional;
import java.util.function.Consumer;
import picocli.CommandLine.Option;

/** Options of {@code cox train} that few runs set; a {@code @Mixin}. */
final class TrainTuning {
  @Option(
      names = "--hold-out",
      paramLabel = "FRACTION",
      defaultValue = "0",
      description = "Share of a harvest's documents to leave out, for 'cox evaluate --held-out'.")
  private double holdOutFraction;

  @Option(names = "--batch", paramLabel = "ROWS", description = "Rows a step (default: 1024).")
  private Integer batchRows;

  @Option(
      names = "--lr",
      paramLabel = "RATE",
      description = "Highest learning rate (default: by F and steps).")
  private Double learningRate;

  @Option(
      names = "--warmup",
      paramLabel = "N",
      description = "Steps over which it rises (default: a twentieth).")
  private Long warmupSteps;

  @Option(
      names = "--decay",
      paramLabel = "N",
      description = "Last steps, over which it falls (default: half).")
  private Long decaySteps;

  @Option(
      names = "--k-aux",
      paramLabel = "K",
      description = "Dead features that learn from the error (default: d/2; 0: none).")
  private Integer kAux;

  @Option(
      names = "--aux-coefficient",
      paramLabel = "C",
      description = "Weight of their loss (default: 1/32).")
  private Double auxCoefficient;

  @Option(
      names = "--dead-after",
      paramLabel = "ROWS",
      description = "Rows without firing that make a feature dead (default: by steps).")
  private Long deadAfter;

  @Option(
      names = "--bias-start",
      paramLabel = "WHERE",
      description = "Where b_dec starts: mean (default) or geometric-median.")
  private String biasStart;

  @Option(
      names = "--shuffle-rows",
      paramLabel = "ROWS",
      description = "Rows shuffled in memory as one (default: 512 MiB's worth, at most 131072).")
  private Integer shuffleRows;

  HoldOut holdOut() {
    return new HoldOut(holdOutFraction);
  }

  TrainOptions.Builder apply(TrainOptions.Builder builder) {
    builder.holdOut(holdOut());
    set(batchRows, builder::batchRows);
    set(learningRate, builder::learningRate);
    set(warmupSteps, builder::warmupSteps);
    set(decaySteps, builder::decaySteps);
    set(kAux, builder::kAux);
    set(auxCoefficient, builder::auxCoefficient);
    set(deadAfter, builder::deadAfter);
    set(shuffleRows, builder::shuffleRows);
    set(biasStart, name -> builder.biasStart(biasStart(name)));
    return builder;
  }

  private static <T> void set(T value, Consumer<T> setter) {
    Optional.ofNullable(value).ifPresent(setter);
  }

  private static BiasStart biasStart(String name) {
    return switch (name) {
      case "mean" -> BiasStart.MEAN;
      case "geometric-median" -> BiasStart.GEOMETRIC_MEDIAN;
      default ->
          throw new UsageException("--bias-start must be mean or geometric-median, was " + name);
    };
  }
}
