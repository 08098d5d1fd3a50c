package dev.coxswain.gpucheck;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.DeviceProbe;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Encode and decode: every activation, element type and normalisation. Owns its weights. */
final class CodecParity implements AutoCloseable {
  static final List<DType> TYPES = List.of(DType.F32, DType.F16, DType.BF16);

  /** Places a row of an encoder without k: none of ours has more active features at F above it. */
  private static final int PLACES = 4096;

  private final CheckSize size;
  private final long seed;
  private final HostTensor wEnc;
  private final HostTensor bEnc;
  private final HostTensor wDec;
  private final HostTensor bDec;
  private final HostTensor threshold;

  CodecParity(CheckSize size, long seed) {
    this.size = size;
    this.seed = seed;
    Draw draw = new Draw(seed);
    float range = (float) (1 / Math.sqrt(size.width()));
    this.wEnc = draw.floats(range, size.features(), size.width());
    this.wDec = draw.floats(range, size.features(), size.width());
    // So that less than half of all features are active where every positive one is.
    this.bEnc = draw.around(-1, 1, size.features());
    this.bDec = draw.floats(0.1f, size.width());
    this.threshold = draw.around(0.5f, 0.5f, size.features());
  }

  Encoder encoder(Side side, Activation activation, Normalization normalization) {
    return new Encoder(
        side.place(wEnc),
        side.place(bEnc),
        Optional.of(side.place(bDec)),
        activation == Activation.JUMP_RELU ? Optional.of(side.place(threshold)) : Optional.empty(),
        activation,
        activation == Activation.TOP_K ? size.k() : 0,
        normalization);
  }

  Decoder decoder(Side side, Normalization normalization) {
    return new Decoder(side.place(wDec), side.place(bDec), normalization);
  }

  /** Every activation, type and normalisation, for one row and for a batch, there and back. */
  void runAll(Comparison comparison) {
    for (Activation activation : Activation.values()) {
      for (DType dtype : TYPES) {
        for (Normalization normalization : Normalization.values()) {
          thereAndBack(comparison, activation, dtype, normalization, 1);
          thereAndBack(comparison, activation, dtype, normalization, size.rows());
        }
      }
    }
  }

  /** Each at least once: for sizes at which all of them would take long. */
  void runSome(Comparison comparison) {
    for (int rows : new int[] {1, 3, 16, size.rows()}) {
      for (DType dtype : TYPES) {
        thereAndBack(comparison, Activation.TOP_K, dtype, Normalization.NONE, rows);
      }
    }
    int rows = size.rows();
    thereAndBack(comparison, Activation.RELU, DType.F32, Normalization.NONE, 1);
    thereAndBack(comparison, Activation.RELU, DType.BF16, Normalization.LAYER_NORM, rows);
    thereAndBack(comparison, Activation.JUMP_RELU, DType.BF16, Normalization.NONE, 1);
    thereAndBack(comparison, Activation.JUMP_RELU, DType.F32, Normalization.CONSTANT_NORM, rows);
  }

  /** Each way that the device can encode, few rows and many, beside the CPU's. */
  void runPaths(Comparison comparison, DeviceProbe probe) {
    for (String path : probe.encodePaths()) {
      for (int rows : new int[] {3, 16, size.rows()}) {
        for (DType dtype : List.of(DType.F32, DType.BF16)) {
          path(comparison, probe, path, dtype, rows);
        }
      }
    }
  }

  private void path(Comparison comparison, DeviceProbe probe, String path, DType dtype, int rows) {
    long own = seed + 31L * rows + 7L * dtype.ordinal();
    String name = String.format(Locale.ROOT, "%s, by %s, %s, n %d", size, path, dtype, rows);
    try (HostTensor x = new Draw(own).rows(dtype, rows, size.width())) {
      comparison.compare(
          "encode",
          name,
          own,
          (side, outcome) ->
              encode(
                  side,
                  outcome,
                  encoder(side, Activation.TOP_K, Normalization.NONE),
                  x,
                  side.backend().space().isHost()
                      ? side.backend()::encode
                      : (encoder, view, active) -> probe.encode(path, encoder, view, active)));
    }
  }

  private interface Encode {
    EncodeReport encode(Encoder encoder, TensorView x, SparseRows active);
  }

  private void thereAndBack(
      Comparison comparison, Activation activation, DType dtype, Normalization norm, int rows) {
    long own = seed + 31L * rows + 7L * dtype.ordinal() + norm.ordinal();
    String name =
        String.format(Locale.ROOT, "%s, %s, %s, n %d, %s", size, activation, dtype, rows, norm);
    try (HostTensor x = new Draw(own).rows(dtype, rows, size.width())) {
      comparison.compare(
          "encode",
          name,
          own,
          (side, outcome) ->
              encode(side, outcome, encoder(side, activation, norm), x, side.backend()::encode));
      comparison.compare(
          "decode",
          name,
          own,
          (side, outcome) -> decode(side, outcome, encoder(side, activation, norm), norm, x));
    }
  }

  private SparseRows active(Side side, Encoder encoder, TensorView x) {
    int rows = (int) x.rows();
    int most = Math.min(size.features(), Math.max(PLACES, size.features() / 2));
    boolean topK = encoder.activation() == Activation.TOP_K;
    return side.allocateActive(rows, topK ? size.k() : most);
  }

  private void encode(
      Side side, Outcome outcome, Encoder encoder, HostTensor rows, Encode operation) {
    TensorView x = side.copy(rows);
    SparseRows active = active(side, encoder, x);
    EncodeReport report = operation.encode(encoder, x, active);
    outcome.add("non-finite rows", report.nonFiniteRows());
    outcome.add("rows that cannot be normalised", report.unnormalizableRows());
    outcome.add("most active features", report.mostActive());
    outcome.add("first overfull row", report.firstOverfullRow());
    outcome.add("indices", active.indices());
    outcome.add("values", active.values());
    outcome.add("normalization", active.normalization());
  }

  private void decode(
      Side side, Outcome outcome, Encoder encoder, Normalization norm, HostTensor rows) {
    TensorView x = side.copy(rows);
    SparseRows active = active(side, encoder, x);
    EncodeReport report = side.backend().encode(encoder, x, active);
    if (report.firstOverfullRow() >= 0) {
      throw new IllegalStateException("a row has " + report.mostActive() + " active features");
    }
    TensorView xHat = side.allocate(x.dtype(), x.rows(), x.rowElements());
    outcome.add("clamped", side.backend().decode(decoder(side, norm), active, xHat));
    outcome.add("x̂", xHat);
  }

  /** The weights, for sides to forget. */
  List<HostTensor> tensors() {
    return List.of(wEnc, bEnc, wDec, bDec, threshold);
  }

  @Override
  public void close() {
    tensors().forEach(HostTensor::close);
  }
}
