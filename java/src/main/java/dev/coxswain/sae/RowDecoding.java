package dev.coxswain.sae;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Normalization;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.SafetensorsFile;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.io.SafetensorsWriter.Declaration;
import dev.coxswain.io.TensorEntry;
import dev.coxswain.io.TensorPlace;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/** Active features in a file, as {@link RowEncoding} writes them, to hidden states in a file. */
public final class RowDecoding {
  /**
   * What was decoded.
   *
   * @param saturated elements clamped to the largest finite value
   */
  public record Report(long rows, long saturated) {}

  private final SafetensorsFile input;
  private final SparseAutoencoder sae;
  private final long rows;
  private final long places;
  private final boolean normalizes;

  private RowDecoding(SafetensorsFile input, SparseAutoencoder sae) {
    this.input = input;
    this.sae = sae;
    TensorEntry values = input.entry("values");
    if (values.dtype() != DType.F32 || values.shape().rank() != 2) {
      throw wrong("values", values, "F32 [n, K]");
    }
    this.rows = values.shape().extent(0);
    this.places = values.shape().extent(1);
    require("indices", DType.I32, rows, places);
    this.normalizes = sae.normalization() != Normalization.NONE;
    if (normalizes) {
      require("normalization", DType.F32, rows, 2);
    } else if (input.tensors().containsKey("normalization")) {
      throw new InvalidDataException(
          input.path()
              + " holds 'normalization', but this SAE normalises nothing: another SAE wrote it");
    }
  }

  private void require(String name, DType dtype, long... shape) {
    TensorEntry entry = input.entry(name);
    if (entry.dtype() != dtype || !entry.shape().is(shape)) {
      throw wrong(name, entry, dtype + " " + Shape.of(shape));
    }
  }

  private InvalidDataException wrong(String name, TensorEntry entry, String needed) {
    return new InvalidDataException(
        input.path() + ": " + name + " is " + entry + "; " + needed + " is needed");
  }

  /**
   * Writes the reconstructions as F32.
   *
   * @param progress receives the number of rows written so far
   * @throws InvalidDataException where the file is not of active features of such an SAE
   */
  public static Report run(
      Backend backend,
      SparseAutoencoder sae,
      Path input,
      TensorPlace output,
      LongConsumer progress) {
    try (SafetensorsFile file = SafetensorsFile.open(input);
        PlacedAutoencoder placed = PlacedAutoencoder.place(backend, sae)) {
      return new RowDecoding(file, sae).write(backend, placed, output, progress);
    }
  }

  private Report write(
      Backend backend, PlacedAutoencoder placed, TensorPlace output, LongConsumer progress) {
    Declaration x = new Declaration(output.tensor(), DType.F32, Shape.of(rows, sae.width()));
    long saturated = 0;
    try (SafetensorsWriter writer = SafetensorsWriter.create(output.file(), List.of(x), Map.of());
        EncodedRows block = new EncodedRows(backend, DType.F32, sae.width(), places)) {
      for (long from = 0; from < rows; from += block.rows()) {
        long n = Math.min(block.rows(), rows - from);
        read(block, from, n);
        block.copyRowsToDevice(n);
        saturated += backend.decode(placed.decoder(), block.deviceRows(n), block.deviceX(n));
        block.copyXToHost(n);
        writer.append(output.tensor(), block.x(n));
        progress.accept(from + n);
      }
      writer.commit();
    }
    return new Report(rows, saturated);
  }

  private void read(EncodedRows block, long from, long n) {
    input.readRows("values", from, from + n, block.values(n));
    input.readRows("indices", from, from + n, block.indices(n));
    if (normalizes) {
      input.readRows("normalization", from, from + n, block.normalization(n));
    } else {
      identity(block.normalization(n));
    }
    int[] row = new int[Math.toIntExact(places)];
    for (long i = 0; i < n; i++) {
      requireRow(from + i, block.values(n).rows(i, i + 1), block.indices(n).rows(i, i + 1), row);
    }
    requireFinite("normalization", from, block.normalization(n));
  }

  /** Shift 0, scale 1. */
  private static void identity(TensorView normalization) {
    for (long i = 0; i < normalization.rows(); i++) {
      HostMemory.putFloat(normalization.address() + 8 * i, 0);
      HostMemory.putFloat(normalization.address() + 8 * i + 4, 1);
    }
  }

  private void requireRow(long row, TensorView values, TensorView indices, int[] sorted) {
    int active = 0;
    for (int place = 0; place < sorted.length; place++) {
      int feature = HostMemory.getInt(indices.address() + 4L * place);
      if (feature < -1 || feature >= sae.features()) {
        throw wrongRow(
            row, "has feature " + feature + "; 0 to " + (sae.features() - 1), "possible");
      }
      if (feature >= 0 && active < place) {
        throw wrongRow(row, "has feature " + feature + " behind an empty place; none", "possible");
      }
      if (feature >= 0) {
        sorted[active++] = feature;
      }
    }
    Arrays.sort(sorted, 0, active);
    for (int i = 1; i < active; i++) {
      if (sorted[i] == sorted[i - 1]) {
        throw wrongRow(row, "has feature " + sorted[i] + " twice; once", "possible");
      }
    }
    requireFinite("values", row, values);
  }

  private void requireFinite(String name, long firstRow, TensorView floats) {
    for (long i = 0; i < floats.shape().elements(); i++) {
      float value = HostMemory.getFloat(floats.address() + 4 * i);
      if (!Float.isFinite(value)) {
        long row = firstRow + i / Math.max(1, floats.rowElements());
        throw wrongRow(row, "has " + value + " in " + name + "; a finite number", "needed");
      }
    }
  }

  private InvalidDataException wrongRow(long row, String what, String verb) {
    return new InvalidDataException(input.path() + ": row " + row + " " + what + " is " + verb);
  }
}
