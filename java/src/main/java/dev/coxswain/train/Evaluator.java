package dev.coxswain.train;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.sae.PlacedAutoencoder;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.function.LongConsumer;

/**
 * Encodes and decodes rows block by block, in memory that does not grow with their number, and sums
 * in double. One evaluation; one thread's own.
 */
public final class Evaluator {
  private static final long BLOCK_BYTES = 4 << 20;
  private static final int FIRST_PLACES = 256;

  private final Backend backend;
  private final PlacedAutoencoder placed;
  private final MarkedRows rows;
  private final ReconstructionSums sums;
  private RowCounts counts = RowCounts.ZERO;
  private int places;

  private Evaluator(Backend backend, PlacedAutoencoder placed, MarkedRows rows) {
    SparseAutoencoder sae = placed.sae();
    this.backend = backend;
    this.placed = placed;
    this.rows = rows;
    this.sums = new ReconstructionSums(sae.width(), sae.features());
    this.places = sae.k() > 0 ? sae.k() : Math.min(FIRST_PLACES, sae.features());
  }

  /**
   * @param progress hears how many rows are done
   * @throws InvalidDataException where the rows have another width than the SAE, or none is left
   */
  public static Evaluation evaluate(
      Backend backend, PlacedAutoencoder placed, MarkedRows rows, LongConsumer progress) {
    int width = placed.sae().width();
    if (rows.width() != width) {
      throw new InvalidDataException(
          "the rows have " + rows.width() + " elements, the SAE reads " + width);
    }
    return new Evaluator(backend, placed, rows).run(progress);
  }

  private Evaluation run(LongConsumer progress) {
    int capacity = RowBlock.rowsWithin(BLOCK_BYTES, rows.width());
    Shape shape = Shape.of(capacity, rows.width());
    try (RowBlock block = new RowBlock(capacity, rows.width());
        HostTensor x = HostTensor.allocate(DType.F32, shape);
        HostTensor xHat = HostTensor.allocate(DType.F32, shape)) {
      for (long from = 0; from < rows.rows(); from += capacity) {
        long to = Math.min(rows.rows(), from + capacity);
        rows.read(from, to, block);
        counts = counts.plus(block);
        int usable = compact(block, x.view());
        if (usable > 0) {
          reconstruct(x.view().rows(0, usable), xHat.view().rows(0, usable));
        }
        progress.accept(to);
      }
    }
    if (counts.usable() == 0) {
      throw new InvalidDataException(
          "no row to evaluate: " + counts.total() + " rows, left out " + counts.describeLeftOut());
    }
    return sums.evaluation(counts);
  }

  private int compact(RowBlock block, TensorView x) {
    int usable = 0;
    for (int i = 0; i < block.rows(); i++) {
      if (block.usable(i)) {
        long row = x.address() + 4L * rows.width() * usable++;
        HostMemory.copy(block.values(), block.offset(i), row, rows.width());
      }
    }
    return usable;
  }

  private void reconstruct(TensorView x, TensorView xHat) {
    try (TensorOwner onDevice = backend.place(x);
        TensorOwner rebuilt = backend.allocate(DType.F32, x.shape())) {
      encodeAndDecode(onDevice.view(), rebuilt.view());
      backend.copy(rebuilt.view(), xHat);
    }
    sums.addRows(x, xHat);
  }

  /** With as many places a row as the most active row needs. */
  private void encodeAndDecode(TensorView x, TensorView xHat) {
    while (true) {
      try (TensorOwner values = backend.allocate(DType.F32, Shape.of(x.rows(), places));
          TensorOwner indices = backend.allocate(DType.I32, Shape.of(x.rows(), places));
          TensorOwner scales = backend.allocate(DType.F32, Shape.of(x.rows(), 2))) {
        SparseRows active = new SparseRows(values.view(), indices.view(), scales.view());
        EncodeReport report = backend.encode(placed.encoder(), x, active);
        if (report.firstOverfullRow() >= 0) {
          places = Math.toIntExact(report.mostActive());
          continue;
        }
        backend.decode(placed.decoder(), active, xHat);
        countActive(indices.view());
        return;
      }
    }
  }

  private void countActive(TensorView indices) {
    try (HostTensor host = HostTensor.allocate(DType.I32, indices.shape())) {
      backend.copy(indices, host.view());
      sums.addActive(host.view());
    }
  }
}
