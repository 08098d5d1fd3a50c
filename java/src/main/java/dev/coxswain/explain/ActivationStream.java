package dev.coxswain.explain;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.Harvest;
import dev.coxswain.sae.PlacedAutoencoder;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import java.util.function.LongConsumer;

/** Encodes a harvest block by block; BOS and massive rows come without active features. */
final class ActivationStream {
  private static final int BLOCK = 1024;
  private static final int FIRST_PLACES = 64;

  private final Backend backend;
  private final Harvest harvest;
  private int places;

  /**
   * @throws InvalidDataException where SAE and harvest do not fit
   */
  ActivationStream(Backend backend, SparseAutoencoder sae, Harvest harvest) {
    if (sae.width() != harvest.width()) {
      throw new InvalidDataException(
          String.format(
              "%s holds rows of %d elements, but the SAE reads %d",
              harvest.folder(), harvest.width(), sae.width()));
    }
    this.backend = backend;
    this.harvest = harvest;
    this.places = sae.k() > 0 ? sae.k() : Math.min(FIRST_PLACES, sae.features());
  }

  /** Receives every active feature, by ascending row, then by descending activation. */
  interface Visitor {
    void active(long row, int feature, float activation);

    /** Rows before {@code row} are done. */
    void rowsDone(long row);
  }

  void visit(SparseAutoencoder sae, Visitor visitor, LongConsumer progress) {
    try (PlacedAutoencoder placed = PlacedAutoencoder.place(backend, sae)) {
      for (long from = 0; from < harvest.rows(); from += BLOCK) {
        long to = Math.min(harvest.rows(), from + BLOCK);
        Block block = encode(placed, from, to);
        boolean[] skip = harvest.skip(from, to);
        for (int row = 0; row < to - from; row++) {
          if (!skip[row]) {
            block.visitRow(row, from + row, visitor);
          }
        }
        visitor.rowsDone(to);
        progress.accept(to);
      }
    }
  }

  /** Active features of some rows, on the host. */
  private record Block(int places, float[] values, int[] indices) {
    void visitRow(int row, long number, Visitor visitor) {
      for (int i = row * places; i < (row + 1) * places && indices[i] >= 0; i++) {
        visitor.active(number, indices[i], values[i]);
      }
    }
  }

  private Block encode(PlacedAutoencoder placed, long from, long to) {
    long rows = to - from;
    try (HostTensor x = HostTensor.allocate(harvest.rowSource().dtype(), rows, harvest.width())) {
      harvest.rowSource().read(from, to, x.view());
      for (; ; ) {
        try (TensorOwner onDevice = backend.place(x.view());
            TensorOwner values = backend.allocate(DType.F32, Shape.of(rows, places));
            TensorOwner indices = backend.allocate(DType.I32, Shape.of(rows, places));
            TensorOwner shiftScale = backend.allocate(DType.F32, Shape.of(rows, 2))) {
          EncodeReport report =
              backend.encode(
                  placed.encoder(),
                  onDevice.view(),
                  new SparseRows(values.view(), indices.view(), shiftScale.view()));
          if (report.firstOverfullRow() < 0) {
            return onHost(values, indices);
          }
          places = Math.toIntExact(report.mostActive());
        }
      }
    }
  }

  private Block onHost(TensorOwner values, TensorOwner indices) {
    try (HostTensor hostValues = HostTensor.allocate(DType.F32, values.view().shape());
        HostTensor hostIndices = HostTensor.allocate(DType.I32, indices.view().shape())) {
      backend.copy(values.view(), hostValues.view());
      backend.copy(indices.view(), hostIndices.view());
      return new Block(places, hostValues.toFloats(), hostIndices.toInts());
    }
  }
}
