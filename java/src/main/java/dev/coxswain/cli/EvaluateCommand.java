package dev.coxswain.cli;

import dev.coxswain.Engine;
import dev.coxswain.error.UsageException;
import dev.coxswain.sae.PlacedAutoencoder;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.train.Evaluation;
import dev.coxswain.train.Evaluator;
import dev.coxswain.train.HoldOut;
import dev.coxswain.train.MarkedRows;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "evaluate",
    description = "Say how well an SAE reconstructs rows.",
    footer = {
      "",
      "Of a harvest, BOS and massive rows are left out; of other files, rows that are not finite."
    })
final class EvaluateCommand extends BaseCommand {
  @Mixin private SaeOptions saeOptions;

  @Option(
      names = "--in",
      required = true,
      arity = "1..*",
      paramLabel = "X",
      description = "Rows: harvest folders, and files as FILE or FILE:TENSOR.")
  private List<String> in;

  @Option(
      names = "--held-out",
      description = "Only documents of the harvest that 'cox train --hold-out' left out.")
  private boolean heldOut;

  @Mixin private ComputeOptions compute;
  @Mixin private JsonOption json;

  @Override
  protected void run() {
    try (SparseAutoencoder sae = saeOptions.open();
        MarkedRows rows = openRows(sae);
        Engine engine = compute.openEngine();
        PlacedAutoencoder placed = PlacedAutoencoder.place(engine.backend(), sae);
        Progress progress = Progress.start("evaluating", rows.rows(), "rows")) {
      print(Evaluator.evaluate(engine.backend(), placed, rows, progress::update));
    }
  }

  private MarkedRows openRows(SparseAutoencoder sae) {
    if (!heldOut) {
      return MarkedRows.open(in, HoldOut.NONE, MarkedRows.Side.ALL);
    }
    String fraction = sae.metadata().get(HoldOut.METADATA);
    if (fraction == null) {
      throw new UsageException(
          "--held-out needs an SAE trained with --hold-out; "
              + saeOptions.path()
              + " held nothing out");
    }
    HoldOut holdOut = new HoldOut(Double.parseDouble(fraction));
    return MarkedRows.open(in, holdOut, MarkedRows.Side.HELD_OUT);
  }

  private void print(Evaluation evaluation) {
    Map<String, Object> object = asObject(evaluation);
    if (json.wanted()) {
      json.print(out, object);
    } else {
      object.forEach((name, value) -> out.line("%-20s %s", name, text(value)));
    }
  }

  private static Map<String, Object> asObject(Evaluation evaluation) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("fvu", orNull(evaluation.fvu()));
    object.put("explained_variance", orNull(evaluation.explainedVariance()));
    object.put("l0", evaluation.l0());
    object.put("dead_fraction", evaluation.deadFraction());
    object.put("normalized_l2", orNull(evaluation.normalizedL2()));
    object.put("rows", evaluation.rows().usable());
    object.put("non_finite_rows", evaluation.rows().nonFinite());
    object.put("bos_rows", evaluation.rows().bos());
    object.put("massive_rows", evaluation.rows().massive());
    return object;
  }

  /** JSON knows no NaN: a figure that the rows leave undefined is null. */
  private static Double orNull(double value) {
    return Double.isNaN(value) ? null : value;
  }

  private static String text(Object value) {
    if (value == null) {
      return "undefined";
    }
    return value instanceof Double
        ? String.format(java.util.Locale.ROOT, "%.6g", value)
        : "" + value;
  }
}
