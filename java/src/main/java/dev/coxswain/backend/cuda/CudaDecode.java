package dev.coxswain.backend.cuda;

import dev.coxswain.backend.Codes;
import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.TensorView;

/** x̂ from active features by kernels/decode.cu and decode_dense.cu. */
final class CudaDecode {
  /** Longs of a report: clamped elements, the first place with a bad index, repeated features. */
  private static final long REPORT_BYTES = 24;

  private static final long FIRST_BAD = 8;
  private static final long REPEATED = 16;

  /** In FIRST_BAD: there is none. */
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
    DecodePlan plan = plan(decoder, active, xHat);
    long keys = lane.scratch(plan.keysBytes(active.rows()));
    long report = lane.scratch(REPORT_BYTES);
    long clamped = 0;
    for (long from = 0; from < active.rows(); from += plan.chunkRows()) {
      long to = Math.min(active.rows(), from + plan.chunkRows());
      SparseRows rows = active.rows(from, to);
      TensorView result = xHat.rows(from, to);
      long fetched = run(lane, plan, decoder, rows, result, keys, report);
      requireIndices(lane, decoder, active, from, HostMemory.getLong(fetched + FIRST_BAD));
      if (plan.way() == DecodePlan.Way.DENSE && HostMemory.getLong(fetched + REPEATED) > 0) {
        plan = plan.gathering(decoder.width());
        fetched = run(lane, plan, decoder, rows, result, keys, report);
      }
      clamped += HostMemory.getLong(fetched);
    }
    device.written(xHat);
    return clamped;
  }

  private static DecodePlan plan(Decoder decoder, SparseRows active, TensorView xHat) {
    DecodePlan plan =
        DecodePlan.of(active.rows(), decoder.width(), decoder.features(), active.width());
    long addresses = decoder.wDec().address() | decoder.bDec().address() | xHat.address();
    boolean aligned = addresses % 16 == 0;
    return plan.way() == DecodePlan.Way.DENSE && !aligned ? plan.gathering(decoder.width()) : plan;
  }

  /** Decodes a chunk of rows; the report's address in host memory. */
  private long run(
      CudaLane lane,
      DecodePlan plan,
      Decoder decoder,
      SparseRows rows,
      TensorView xHat,
      long keys,
      long report) {
    lane.fill(report, (byte) 0, REPORT_BYTES);
    lane.fill(report + FIRST_BAD, (byte) NONE, 8);
    if (plan.sortsBefore()) {
      sort(lane, plan, decoder, rows, keys, report);
    }
    if (plan.way() == DecodePlan.Way.DENSE) {
      decodeDense(lane, plan, decoder, rows, xHat, keys, report);
    } else {
      decode(lane, plan, decoder, rows, xHat, keys, report);
    }
    return lane.fetch(report, REPORT_BYTES);
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
    LaunchBlock args =
        lane.args()
            .add(device.address("values", rows.values()))
            .add(device.address("indices", rows.indices()))
            .add(device.address("normalization", rows.normalization()))
            .add(rows.width());
    addOutput(args, plan, decoder, xHat, keys, report);
    lane.launch(device.function("decode", "cox_decode"), plan.shape(rows.rows()));
  }

  private void decodeDense(
      CudaLane lane,
      DecodePlan plan,
      Decoder decoder,
      SparseRows rows,
      TensorView xHat,
      long keys,
      long report) {
    LaunchBlock args =
        lane.args()
            .add(device.address("values", rows.values()))
            .add(device.address("normalization", rows.normalization()))
            .add(rows.width())
            .add(rows.rows());
    addOutput(args, plan, decoder, xHat, keys, report);
    lane.launch(device.function("decode_dense", "cox_decode_dense"), plan.shape(rows.rows()));
  }

  /** The end of both kernels' structs: from W_dec on they are the same. */
  private void addOutput(
      LaunchBlock args, DecodePlan plan, Decoder decoder, TensorView xHat, long keys, long report) {
    args.add(device.address("W_dec", decoder.wDec()))
        .add(device.address("b_dec", decoder.bDec()))
        .add(decoder.features())
        .add(decoder.width())
        .add(decoder.normalization() == Normalization.NONE ? 0L : 1L)
        .add(device.address("x̂", xHat))
        .add(Codes.of(xHat.dtype()))
        .add(keys)
        .add(plan.sortedPlaces())
        .add(report);
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
