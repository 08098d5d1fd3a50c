package dev.coxswain.cli;

import dev.coxswain.report.Report;
import dev.coxswain.report.ReportInputs;
import dev.coxswain.sae.SaeDescription;
import dev.coxswain.sae.SaeReader;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "report", description = "Write what was found as one HTML file.")
final class ReportCommand extends BaseCommand {
  @Option(names = "--sae", required = true, paramLabel = "DIR", description = "The autoencoder.")
  private Path sae;

  @Option(
      names = "--explanations",
      required = true,
      paramLabel = "E.jsonl",
      description = "Its features' words.")
  private Path explanations;

  @Option(names = "--contexts", paramLabel = "C.jsonl", description = "Their strongest contexts.")
  private Optional<Path> contexts;

  @Option(names = "--metrics", paramLabel = "M.jsonl", description = "The training's metrics.")
  private Optional<Path> metrics;

  @Option(names = "--summary", paramLabel = "S.json", description = "The figures of a demo's run.")
  private Optional<Path> summary;

  @Option(
      names = "--generations",
      paramLabel = "G.jsonl",
      description = "Texts written plain and steered.")
  private Optional<Path> generations;

  @Option(names = "--out", required = true, paramLabel = "R.html", description = "The page.")
  private Path output;

  @Override
  protected void run() {
    SaeDescription described = SaeReader.describe(sae);
    ReportInputs.Dictionary dictionary =
        new ReportInputs.Dictionary(
            described.features(), described.width(), described.k().orElse(0));
    ReportInputs inputs =
        ReportInputs.of(dictionary, explanations)
            .contexts(contexts)
            .metrics(metrics)
            .summary(summary)
            .generations(generations)
            .build();
    Report.write(inputs, output);
    message("cox: wrote " + output);
  }
}
