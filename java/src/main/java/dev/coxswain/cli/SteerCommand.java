package dev.coxswain.cli;

import dev.coxswain.Engine;
import dev.coxswain.io.RowSource;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.steer.CompiledPlan;
import dev.coxswain.steer.Plan;
import dev.coxswain.steer.RowSteering;
import dev.coxswain.steer.SteerReport;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "steer", description = "Apply a steering plan to hidden states.")
final class SteerCommand extends BaseCommand {
  @Mixin private SaeOptions sae;

  @Option(names = "--plan", required = true, paramLabel = "P.json", description = "The plan.")
  private Path plan;

  @Option(
      names = "--in",
      required = true,
      paramLabel = "X",
      description = "Rows: file, file:tensor (default x) or a harvest's folder.")
  private String in;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "Y",
      description = "Steered rows, in the input's type (safetensors, tensor x).")
  private Path output;

  @Mixin private ComputeOptions compute;
  @Mixin private JsonOption json;

  @Override
  protected void run() {
    Plan parsed = Plan.read(plan);
    try (Engine engine = compute.openEngine();
        SparseAutoencoder autoencoder = sae.open();
        CompiledPlan compiled =
            CompiledPlan.compile(
                parsed, autoencoder, engine.backend(), plan.toAbsolutePath().getParent());
        RowSource rows = RowSource.open(List.of(in));
        Progress progress = Progress.start("steering", rows.rows(), "rows")) {
      print(RowSteering.run(engine.backend(), compiled, rows, output, progress::update));
    }
  }

  private void print(SteerReport report) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("rows", report.rows());
    object.put("steered", report.steered());
    object.put("gated_off", report.gatedOff());
    object.put("non_finite_rows", report.nonFinite());
    object.put("saturated", report.saturated());
    if (json.wanted()) {
      json.print(out, object);
      return;
    }
    out.line("%d of %d rows steered", report.steered(), report.rows());
    if (report.gatedOff() > 0) {
      out.line("%d rows left alone by the plan's condition", report.gatedOff());
    }
    if (report.nonFinite() > 0) {
      out.line("%d rows left alone because they hold NaN or Inf", report.nonFinite());
    }
    if (report.saturated() > 0) {
      out.line("%d elements clamped to the largest finite value", report.saturated());
    }
  }
}
