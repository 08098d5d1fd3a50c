package dev.coxswain.backend.cuda;

import dev.coxswain.backend.TrainReport;
import dev.coxswain.backend.TrainState;
import dev.coxswain.backend.TrainStep;
import dev.coxswain.tensor.TensorView;

/**
 * The training step on the device: about twenty launches besides encode's, whatever the sizes, and
 * the state's tensors read and written once. Bits and report are the CPU backend's.
 */
final class CudaTraining {
  private final CudaDevice device;
  private final CudaEncode encode;

  CudaTraining(CudaDevice device, CudaEncode encode) {
    this.device = device;
    this.encode = encode;
  }

  /** As {@link dev.coxswain.backend.Backend#trainStep}, its requirements checked. */
  TrainReport step(CudaLane lane, TrainState state, TrainStep step, TensorView x) {
    TrainReport report =
        new CudaTrainStep(lane, encode, state, step, x.rows(), device.address("x", x)).run();
    device.written(state.wEnc());
    device.written(state.bEnc());
    device.written(state.wDec());
    device.written(state.bDec());
    return report;
  }
}
