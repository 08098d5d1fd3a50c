package dev.coxswain.cli;

import dev.coxswain.demo.Demo;
import dev.coxswain.demo.DemoOptions;
import dev.coxswain.demo.DemoSize;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "demo",
    description = "Run the whole loop on a real language model, and write a report.")
final class DemoCommand extends BaseCommand {
  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "coxswain-demo",
      description = "Where everything goes (default: ${DEFAULT-VALUE}).")
  private Path folder;

  @Option(
      names = "--word",
      paramLabel = "W",
      defaultValue = "school",
      description = "The word to steer by (default: ${DEFAULT-VALUE}).")
  private String word;

  @Option(names = "--quick", description = "Less of everything: about a minute, coarser features.")
  private boolean quick;

  @Option(names = "--fresh", description = "Start over instead of going on where a run was left.")
  private boolean fresh;

  @Mixin private ComputeOptions compute;

  @Override
  protected void run() {
    DemoOptions options =
        new DemoOptions(
            folder,
            word,
            quick ? DemoSize.QUICK : DemoSize.FULL,
            fresh ? DemoOptions.Start.FRESH : DemoOptions.Start.RESUME,
            compute.device(),
            compute.threads());
    try (DemoProgress progress = new DemoProgress()) {
      out.print(Demo.run(options, progress));
    }
  }
}
