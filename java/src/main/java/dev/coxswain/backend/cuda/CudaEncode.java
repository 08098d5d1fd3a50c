package dev.coxswain.backend.cuda;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.Requirements;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.tensor.TensorView;
import java.util.Optional;

/**
 * Encode on a device. Thread-safe; each call works in a lane.
 *
 * <p>Rows go by in blocks: made ready, then either scored with every feature, or screened
 * (kernels/common/screen.cuh) and only what may be active scored; then selected. Rows that a screen
 * could not decide are scored in full.
 */
final class CudaEncode {
  private final CudaDevice device;
  private final EncodeTuning tuning;

  CudaEncode(CudaDevice device, EncodeTuning tuning) {
    this.device = device;
    this.tuning = tuning;
  }

  /** As {@link dev.coxswain.backend.Backend#encode}. */
  EncodeReport encode(Encoder encoder, TensorView x, SparseRows active) {
    Requirements.encode(encoder, x, active);
    EncodeCall call = call(encoder, x, active);
    try (CudaLane lane = device.lane()) {
      return encodeRows(lane, call, kept(encoder.wEnc()));
    } finally {
      device.written(active.values());
      device.written(active.indices());
      device.written(active.normalization());
    }
  }

  private EncodeCall call(Encoder encoder, TensorView x, SparseRows active) {
    return new EncodeCall(
        device.address("W_enc", encoder.wEnc()),
        device.address("b_enc", encoder.bEnc()),
        0,
        encoder.features(),
        encoder.width(),
        device.address("threshold", encoder.threshold()),
        encoder.activation() == Activation.TOP_K ? encoder.k() : encoder.features(),
        device.address("x", x),
        active.rows(),
        x.dtype(),
        encoder.normalization(),
        device.address("b_dec", encoder.subtract()),
        device.address("values", active.values()),
        device.address("indices", active.indices()),
        device.address("normalization", active.normalization()),
        active.width());
  }

  /** The buffer whose content is W_enc and nothing else: it can keep copies of it. */
  private Optional<DeviceBuffer> kept(TensorView wEnc) {
    return device
        .bufferAt(wEnc.address())
        .filter(buffer -> buffer.view().address() == wEnc.address())
        .filter(buffer -> buffer.view().byteSize() == wEnc.byteSize());
  }

  /**
   * Finds the active features of rows: the {@code limit} of largest canonical score z &gt; max(θ,
   * 0), by descending value, then ascending index, padded with (0, −1).
   *
   * @param lane whose stream does the work; done on return
   * @param kept the buffer of wEnc where copies of the weights may be kept in it; empty where the
   *     weights change from call to call
   */
  EncodeReport encodeRows(CudaLane lane, EncodeCall call, Optional<DeviceBuffer> kept) {
    if (call.rows() == 0) {
      return new EncodeReport(0, 0, 0, -1, 0);
    }
    EncodePlan keeping = plan(lane, call, kept.isPresent());
    Optional<ScreenWeights> weights =
        kept.flatMap(buffer -> screenWeights(lane, call, keeping, buffer));
    EncodePlan plan = weights.isPresent() ? keeping : plan(lane, call, false);
    return new EncodeRun(lane, call, plan, weights).run();
  }

  private EncodePlan plan(CudaLane lane, EncodeCall call, boolean kept) {
    return EncodePlan.of(call.shape(kept), device.traits(), () -> lane.blas().isPresent(), tuning);
  }

  /**
   * Copies for the plan's screen, if it has one and they are within its bound and fit in memory.
   */
  private static Optional<ScreenWeights> screenWeights(
      CudaLane lane, EncodeCall call, EncodePlan plan, DeviceBuffer buffer) {
    return switch (plan.path()) {
      case SCAN, FULL -> Optional.empty();
      case INT8 ->
          buffer
              .derived(ScreenWeights.Int8.class, () -> new ScreenWeights.Int8(lane, call))
              .weights();
      case PANELS, FUSED ->
          buffer
              .derived(ScreenWeights.Bf16.class, () -> new ScreenWeights.Bf16(lane, call))
              .weights();
    };
  }
}
