package dev.coxswain.cli;

import dev.coxswain.error.UsageException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** An SAE, and the layer it reads: a {@code @Mixin} of the commands that steer a model. */
final class SteeringOptions {
  @Option(
      names = "--layer",
      paramLabel = "L",
      description = "The block whose output is steered, from 0.")
  private Integer layer;

  @Option(names = "--sae", paramLabel = "DIR", description = "The SAE's folder or file.")
  private Path sae;

  @Option(names = "--plan", paramLabel = "P.json", description = "The steering plan.")
  private Path plan;

  boolean any() {
    return plan != null;
  }

  int layer() {
    return required("--layer", layer);
  }

  Path sae() {
    return required("--sae", sae);
  }

  Path plan() {
    return required("--plan", plan);
  }

  /** Where the plan's relative file names start. */
  Path base() {
    Path folder = plan().toAbsolutePath().getParent();
    return folder == null ? Path.of("/") : folder;
  }

  private static <T> T required(String option, T value) {
    if (value == null) {
      throw new UsageException(
          "steering needs --layer, --sae and --plan; " + option + " is missing");
    }
    return value;
  }
}
