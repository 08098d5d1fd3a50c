package dev.coxswain.backend.cuda;

import dev.coxswain.backend.Codes;
import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.TensorView;

/** x̂ from active features by kernels/decode.cu. */
final class CudaDecode {
  /** Longs of a report: clamped elements, the first place with a bad index. */
  private static final long REPORT_BYTES = 16;

  private static final long NONE = -1;

  private final CudaDevice device;

  CudaDecode(CudaDevice device) {
    this.device = device;
  }

  /**
   * @return elements clamped to the largest finite value of x̂'s type
   * @throws InvalidDataException where an index is not in [−1, F)
   */
  long decode(CudaLane lane, Decoder decoder, SparseRows active, TensorView xHat) {
    DecodePlan plan = DecodePlan.of(active.rows(), decoder.width(), active.width());
    long keys = lane.scratch(plan.keysBytes(active.rows()));
    long report = lane.scratch(REPORT_BYTES);
    long clamped = 0;
    for (long from = 0; from < active.rows(); from += plan.chunkRows()) {
      long to = Math.min(active.rows(), from + plan.chunkRows());
      lane.fill(report, (byte) 0, 8);
      lane.fill(report + 8, (byte) NONE, 8);
      SparseRows rows = active.rows(from, to);
      if (plan.sortsBefore()) {
        sort(lane, plan, decoder, rows, keys, report);
      }
      decode(lane, plan, decoder, rows, xHat.rows(from, to), keys, report);
      long fetched = lane.fetch(report, REPORT_BYTES);
      clamped += HostMemory.getLong(fetched);
      requireIndices(lane, decoder, active, from, HostMemory.getLong(fetched + 8));
    }
    device.written(xHat);
    return clamped;
  }

  private void sort(
      CudaLane lane, DecodePlan plan, Decoder decoder, SparseRows rows, long keys, long report) {
    lane.args()
        .add(device.address("values", rows.values()))
        .add(device.address("indices", rows.indices()))
        .add(rows.width())
        .add(decoder.features())
        .add(keys)
        .add(plan.sortedPlaces())
        .add(plan.sortsInShared(device.traits()) ? 1L : 0L)
        .add(report);
    lane.launch(
        device.function("decode", "cox_decode_sort"), plan.sortShape(rows.rows(), device.traits()));
  }

  private void decode(
      CudaLane lane,
      DecodePlan plan,
      Decoder decoder,
      SparseRows rows,
      TensorView xHat,
      long keys,
      long report) {
    lane.args()
        .add(device.address("values", rows.values()))
        .add(device.address("indices", rows.indices()))
        .add(device.address("normalization", rows.normalization()))
        .add(rows.width())
        .add(device.address("W_dec", decoder.wDec()))
        .add(device.address("b_dec", decoder.bDec()))
        .add(decoder.features())
        .add(decoder.width())
        .add(decoder.normalization() == Normalization.NONE ? 0L : 1L)
        .add(device.address("x̂", xHat))
        .add(Codes.of(xHat.dtype()))
        .add(keys)
        .add(plan.sortedPlaces())
        .add(report);
    lane.launch(device.function("decode", "cox_decode"), plan.shape(rows.rows()));
  }

  private void requireIndices(
      CudaLane lane, Decoder decoder, SparseRows active, long firstRow, long firstBad) {
    if (firstBad == NONE) {
      return;
    }
    long place = firstRow * active.width() + firstBad;
    int index = HostMemory.getInt(lane.fetch(active.indices().address() + 4 * place, 4));
    throw new InvalidDataException(
        "row "
            + place / active.width()
            + " has feature index "
            + index
            + "; it must be -1 or below F = "
            + decoder.features());
  }
}
