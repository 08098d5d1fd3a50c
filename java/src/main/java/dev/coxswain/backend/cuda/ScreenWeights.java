package dev.coxswain.backend.cuda;

import dev.coxswain.tensor.HostMemory;
import java.util.Optional;

/**
 * Weights as a screen multiplies them, with the norms of its bound (kernels/common/screen.cuh).
 * Addresses of device memory that somebody else owns.
 *
 * @param planes int8 or bfloat16 [features, padded d], features padded too
 * @param scale F32 [padded features] of int8 weights; 0 for bfloat16
 * @param norm F32 [padded features]
 * @param error F32 [padded features]
 * @param unbounded I32: not 0 where a feature is beyond the bound's reach
 */
record ScreenWeights(long planes, long scale, long norm, long error, long unbounded) {
  /** Codes of the kernels. */
  static final int BF16 = 0;

  static final int INT8 = 1;

  /** Memory that must be left free beside a kept copy. */
  private static final long SPARE_BYTES = 256 << 20;

  static long paddedWidth(int kind, long width) {
    return kind == INT8 ? EncodePlan.int8Width(width) : EncodePlan.bf16Width(width);
  }

  static long planeBytes(int kind, long features, long width) {
    return features * paddedWidth(kind, width) * (kind == INT8 ? 1 : 2);
  }

  /** Those of features {@code from} on; of bfloat16. */
  ScreenWeights from(long from, long paddedWidth) {
    return new ScreenWeights(
        planes + 2 * from * paddedWidth, scale, norm + 4 * from, error + 4 * from, unbounded);
  }

  /** Converts features {@code first} to {@code first + features}, in the lane's order. */
  void convert(CudaLane lane, EncodeCall call, int kind, long first, long features, long padded) {
    lane.args()
        .add(call.wEnc())
        .add(call.subset())
        .add(planes)
        .add(scale)
        .add(norm)
        .add(error)
        .add(unbounded)
        .add(first)
        .add(features)
        .add(padded)
        .add(call.width())
        .add(paddedWidth(kind, call.width()))
        .add((long) kind);
    lane.launch(
        lane.device().function("encode_planes", "cox_screen_weights"),
        EncodePlan.screenWeights(padded));
  }

  /** A copy that is kept with the weights; none where memory is short or it would be useless. */
  static class Kept implements AutoCloseable {
    private final CudaDevice device;
    private final Optional<ScreenWeights> weights;

    /** Complete on return. */
    Kept(CudaLane lane, EncodeCall call, int kind) {
      this.device = lane.device();
      long padded = EncodePlan.int8Features(call.features());
      long planes = (planeBytes(kind, padded, call.width()) + 255) / 256 * 256;
      long bytes = planes + 12 * padded + 4;
      if (device.memory()[0] < bytes + SPARE_BYTES) {
        this.weights = Optional.empty();
        return;
      }
      long memory = device.allocate(bytes);
      long floats = memory + planes;
      ScreenWeights made =
          new ScreenWeights(
              memory,
              kind == INT8 ? floats + 8 * padded : 0,
              floats,
              floats + 4 * padded,
              floats + 12 * padded);
      try {
        lane.fill(made.unbounded(), (byte) 0, 4);
        made.convert(lane, call, kind, 0, call.features(), padded);
        boolean bounded = HostMemory.getInt(lane.fetch(made.unbounded(), 4)) == 0;
        this.weights = bounded ? Optional.of(made) : Optional.empty();
      } catch (RuntimeException | Error e) {
        device.free(memory);
        throw e;
      }
      if (weights.isEmpty()) {
        device.free(memory);
      }
    }

    Optional<ScreenWeights> weights() {
      return weights;
    }

    @Override
    public void close() {
      weights.ifPresent(
          made -> device.quietly("free a copy of weights", () -> device.free(made.planes())));
    }
  }

  /** Kept int8 weights. */
  static final class Int8 extends Kept {
    Int8(CudaLane lane, EncodeCall call) {
      super(lane, call, INT8);
    }
  }

  /** Kept bfloat16 weights. */
  static final class Bf16 extends Kept {
    Bf16(CudaLane lane, EncodeCall call) {
      super(lane, call, BF16);
    }
  }
}
