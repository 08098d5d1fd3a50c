package dev.coxswain.cli;

import dev.coxswain.Engine;
import dev.coxswain.io.RowSource;
import dev.coxswain.sae.RowEncoding;
import dev.coxswain.sae.SparseAutoencoder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "encode", description = "Turn hidden states into active features.")
final class EncodeCommand extends BaseCommand {
  @Mixin private SaeOptions sae;

  @Option(
      names = "--in",
      required = true,
      arity = "1..*",
      paramLabel = "X",
      description = "Rows: file, file:tensor (default x) or a harvest's folder.")
  private List<String> in;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "A",
      description = "Active features: values and indices [n, K] (safetensors).")
  private Path output;

  @Option(
      names = "--max-active",
      paramLabel = "N",
      description =
          "K for an SAE without k (default: the most active features of any row). A row with more"
              + " is an error.")
  private Integer maxActive;

  @Mixin private ComputeOptions compute;
  @Mixin private JsonOption json;

  @Override
  protected void run() {
    if (maxActive != null) {
      requireAtLeast("--max-active", maxActive, 1);
    }
    OptionalInt places = maxActive == null ? OptionalInt.empty() : OptionalInt.of(maxActive);
    try (Engine engine = compute.openEngine();
        SparseAutoencoder autoencoder = sae.open();
        RowSource rows = RowSource.open(in);
        Progress progress = Progress.start("encoding", rows.rows(), "rows")) {
      print(RowEncoding.run(engine.backend(), autoencoder, rows, output, places, progress::update));
    }
  }

  private void print(RowEncoding.Report report) {
    if (json.wanted()) {
      Map<String, Object> object = new LinkedHashMap<>();
      object.put("rows", report.rows());
      object.put("places", report.places());
      object.put("non_finite_rows", report.nonFiniteRows());
      object.put("unnormalizable_rows", report.unnormalizableRows());
      json.print(out, object);
      return;
    }
    out.line("%d rows encoded, %d places a row", report.rows(), report.places());
    if (report.nonFiniteRows() > 0) {
      out.line("%d rows hold NaN or Inf: no feature is active there", report.nonFiniteRows());
    }
    if (report.unnormalizableRows() > 0) {
      out.line(
          "%d rows cannot be normalised: no feature is active there", report.unnormalizableRows());
    }
  }
}
