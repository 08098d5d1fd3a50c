package dev.coxswain.cli;

import dev.coxswain.backend.Device;
import dev.coxswain.error.FileException;
import dev.coxswain.model.LlamaProcess;
import dev.coxswain.model.ModelCache;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which language model to run, and on what: a {@code @Mixin} of the commands that run one. */
final class ModelOptions {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "M.gguf",
      description = "The model: a GGUF file, or a name of 'cox model list'.")
  private String model;

  @Mixin private ComputeOptions compute;

  /**
   * Loads the model.
   *
   * @throws FileException where there is neither such a file nor such a model in the cache
   */
  LlamaProcess start() {
    return start(model, compute);
  }

  static LlamaProcess start(String model, ComputeOptions compute) {
    Path file = file(model);
    if (compute.device().kind() == Device.Kind.CUDA) {
      // The process opens it when a plan first needs it: too late to say that it is not usable.
      compute.openEngine().close();
    }
    return LlamaProcess.start(file, compute.device(), compute.threads());
  }

  private static Path file(String model) {
    Path file = Path.of(model);
    if (Files.exists(file) || model.endsWith(".gguf")) {
      return file;
    }
    ModelCache cache = ModelCache.open();
    if (cache.list().stream().noneMatch(entry -> entry.name().equals(model))) {
      return file;
    }
    return cache
        .find(model)
        .orElseThrow(
            () ->
                new FileException(
                    "the model " + model + " is not in the cache: 'cox model get " + model + "'",
                    null));
  }
}
