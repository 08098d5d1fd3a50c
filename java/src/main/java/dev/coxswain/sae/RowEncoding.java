package dev.coxswain.sae;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Backend;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.Normalization;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.RowSource;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.io.SafetensorsWriter.Declaration;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.LongConsumer;

/**
 * Hidden states in files to active features in a file, in blocks of rows: {@code values} F32 [n,
 * K], {@code indices} I32 [n, K], and for an SAE that normalises rows {@code normalization} F32 [n,
 * 2], which decoding undoes.
 */
public final class RowEncoding {
  /**
   * What was encoded.
   *
   * @param places K
   * @param nonFiniteRows rows with NaN or ±Inf: no feature active
   * @param unnormalizableRows rows the SAE can't normalise: no feature active
   */
  public record Report(long rows, long places, long nonFiniteRows, long unnormalizableRows) {}

  private final Backend backend;
  private final PlacedAutoencoder placed;
  private final RowSource rows;
  private final LongConsumer progress;

  private RowEncoding(
      Backend backend, PlacedAutoencoder placed, RowSource rows, LongConsumer progress) {
    this.backend = backend;
    this.placed = placed;
    this.rows = rows;
    this.progress = progress;
  }

  /**
   * @param maxActive K for an SAE without k; where it is empty a pass of its own finds the most
   *     active features of any row
   * @param progress receives the number of rows written so far
   * @throws InvalidDataException where widths differ, or a row has more than {@code maxActive}
   *     active features
   */
  public static Report run(
      Backend backend,
      SparseAutoencoder sae,
      RowSource rows,
      Path output,
      OptionalInt maxActive,
      LongConsumer progress) {
    rows.requireWidth("the SAE", sae.width());
    boolean topK = sae.activation() == Activation.TOP_K;
    if (topK && maxActive.isPresent()) {
      throw new UsageException(
          "--max-active is for SAEs whose rows differ in active features; this one has k = "
              + sae.k());
    }
    try (PlacedAutoencoder placed = PlacedAutoencoder.place(backend, sae)) {
      RowEncoding encoding = new RowEncoding(backend, placed, rows, progress);
      if (topK) {
        return encoding.write(output, sae.k());
      }
      return encoding.write(
          output, maxActive.isPresent() ? maxActive.getAsInt() : encoding.mostActive());
    }
  }

  /** At least 1, so that no array is without columns. */
  private long mostActive() {
    long most = 1;
    try (EncodedRows block = new EncodedRows(backend, rows.dtype(), rows.width(), 1)) {
      for (long from = 0; from < rows.rows(); from += block.rows()) {
        long n = Math.min(block.rows(), rows.rows() - from);
        most = Math.max(most, encode(block, from, n).mostActive());
      }
    }
    return most;
  }

  private EncodeReport encode(EncodedRows block, long from, long n) {
    rows.read(from, from + n, block.x(n));
    block.copyXToDevice(n);
    return backend.encode(placed.encoder(), block.deviceX(n), block.deviceRows(n));
  }

  private Report write(Path output, long places) {
    boolean normalizes = placed.sae().normalization() != Normalization.NONE;
    long nonFinite = 0;
    long unnormalizable = 0;
    try (SafetensorsWriter writer =
            SafetensorsWriter.create(output, declarations(places, normalizes), Map.of());
        EncodedRows block = new EncodedRows(backend, rows.dtype(), rows.width(), places)) {
      for (long from = 0; from < rows.rows(); from += block.rows()) {
        long n = Math.min(block.rows(), rows.rows() - from);
        EncodeReport report = encode(block, from, n);
        requireRoom(report, from, places);
        nonFinite += report.nonFiniteRows();
        unnormalizable += report.unnormalizableRows();
        append(writer, block, n, normalizes);
        progress.accept(from + n);
      }
      writer.commit();
    }
    return new Report(rows.rows(), places, nonFinite, unnormalizable);
  }

  private List<Declaration> declarations(long places, boolean normalizes) {
    List<Declaration> tensors = new ArrayList<>();
    tensors.add(new Declaration("values", DType.F32, Shape.of(rows.rows(), places)));
    tensors.add(new Declaration("indices", DType.I32, Shape.of(rows.rows(), places)));
    if (normalizes) {
      tensors.add(new Declaration("normalization", DType.F32, Shape.of(rows.rows(), 2)));
    }
    return tensors;
  }

  private static void append(
      SafetensorsWriter writer, EncodedRows block, long n, boolean normalizes) {
    block.copyRowsToHost(n);
    writer.append("values", block.values(n));
    writer.append("indices", block.indices(n));
    if (normalizes) {
      writer.append("normalization", block.normalization(n));
    }
  }

  private static void requireRoom(EncodeReport report, long from, long places) {
    if (report.firstOverfullRow() >= 0) {
      throw new InvalidDataException(
          "row "
              + (from + report.firstOverfullRow())
              + " has more active features than --max-active "
              + places
              + "; up to "
              + report.mostActive()
              + " are active in a row");
    }
  }
}
