package dev.coxswain.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.coxswain.Engine;
import dev.coxswain.backend.Device;
import dev.coxswain.error.DeviceException;
import dev.coxswain.error.UsageException;
import dev.coxswain.gpucheck.CheckReport;
import dev.coxswain.gpucheck.GpuCheck;
import dev.coxswain.gpucheck.ParityResult;
import dev.coxswain.gpucheck.SpeedResult;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.io.Json;
import java.nio.file.Path;
import java.util.Optional;
import java.util.SplittableRandom;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "gpu-check",
    description = {
      "Check a GPU: the same bits as the CPU, then times beside the card's limits.",
      "Run it alone on the card. It takes minutes and up to 80 %% of the free memory; --quick takes"
          + " seconds. A difference ends with exit code 1."
    })
final class GpuCheckCommand extends BaseCommand {
  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Write every comparison and time as JSON too.")
  private Optional<Path> output = Optional.empty();

  @Option(names = "--quick", description = "Only the sizes of a small model.")
  private boolean quick;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Of the inputs (default: a fresh one, printed).")
  private Optional<Long> seed = Optional.empty();

  @Mixin private ComputeOptions compute;

  @Override
  protected void run() throws JsonProcessingException {
    if (compute.device().kind() == Device.Kind.CPU) {
      throw new UsageException("gpu-check checks a GPU: use --device cuda or cuda:N");
    }
    // What cannot be written is better known now than after minutes.
    output.ifPresent(path -> AtomicFile.create(path).close());
    Device device = new Device(Device.Kind.CUDA, compute.device().ordinal());
    try (Engine gpu = Engine.open(device, compute.threads());
        Engine cpu = Engine.open(Device.CPU, compute.threads())) {
      long inputs = seed.orElseGet(() -> new SplittableRandom().nextLong());
      out.line(gpu.backend().name() + " beside " + cpu.backend().name() + ", seed " + inputs);
      out.flush();
      CheckReport report = check(new GpuCheck(cpu, gpu, quick, inputs));
      report.lines().forEach(out::line);
      out.flush();
      if (output.isPresent()) {
        String text =
            Json.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(report.asObject());
        AtomicFile.writeString(output.get(), text + "\n");
      }
      if (report.differences() > 0) {
        throw new DeviceException(
            report.differences()
                + " of "
                + report.parity().size()
                + " comparisons differ; see above");
      }
    }
  }

  private static CheckReport check(GpuCheck check) {
    try (Progress progress = Progress.start("checking", 0, "cases")) {
      return check.run(
          new GpuCheck.Listener() {
            private long done;

            @Override
            public void compared(ParityResult result) {
              progress.update(++done, result.operation() + ", " + result.name());
            }

            @Override
            public void card(String text) {
              progress.update(done, text);
            }

            @Override
            public void timed(SpeedResult result) {
              progress.update(++done, "times of " + result.operation() + ", " + result.name());
            }
          });
    }
  }
}
