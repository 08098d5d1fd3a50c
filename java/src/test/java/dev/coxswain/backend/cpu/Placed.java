package dev.coxswain.backend.cpu;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Inputs;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Inputs as tensors, all closed together. */
final class Placed implements AutoCloseable {
  final Inputs.Arrays arrays;
  private final List<HostTensor> owned = new ArrayList<>();
  private final TensorView wEnc;
  private final TensorView bEnc;
  private final TensorView wDec;
  private final TensorView bDec;
  private final TensorView threshold;

  Placed(Inputs.Arrays arrays) {
    this.arrays = arrays;
    this.wEnc = floats(arrays.wEnc(), arrays.features(), arrays.d());
    this.bEnc = floats(arrays.bEnc(), arrays.features());
    this.wDec = floats(arrays.wDec(), arrays.features(), arrays.d());
    this.bDec = floats(arrays.bDec(), arrays.d());
    this.threshold = floats(arrays.threshold(), arrays.features());
  }

  TensorView own(HostTensor tensor) {
    owned.add(tensor);
    return tensor.view();
  }

  private TensorView floats(float[] values, long... extents) {
    return own(HostTensor.ofFloats(Shape.of(extents), values));
  }

  TensorView x(DType dtype) {
    return own(dev.coxswain.testing.Floats.tensor(dtype, arrays.x(), arrays.n(), arrays.d()));
  }

  Encoder encoder(Activation activation, Normalization normalization, boolean subtracts) {
    return new Encoder(
        wEnc,
        bEnc,
        subtracts ? Optional.of(bDec) : Optional.empty(),
        activation == Activation.JUMP_RELU ? Optional.of(threshold) : Optional.empty(),
        activation,
        activation == Activation.TOP_K ? arrays.k() : 0,
        normalization);
  }

  Decoder decoder(Normalization normalization) {
    return new Decoder(wDec, bDec, normalization);
  }

  /** Places for results, filled with rubbish so that every element must be written. */
  SparseRows rows(long n, long places) {
    TensorView values = own(HostTensor.allocate(DType.F32, n, places));
    TensorView indices = own(HostTensor.allocate(DType.I32, n, places));
    TensorView normalization = own(HostTensor.allocate(DType.F32, n, 2));
    for (TensorView view : List.of(values, indices, normalization)) {
      dev.coxswain.tensor.HostMemory.fill(view.address(), view.byteSize(), (byte) 0x7b);
    }
    return new SparseRows(values, indices, normalization);
  }

  @Override
  public void close() {
    owned.forEach(HostTensor::close);
  }
}
