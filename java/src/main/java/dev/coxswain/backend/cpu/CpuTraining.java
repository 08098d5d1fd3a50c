package dev.coxswain.backend.cpu;

import dev.coxswain.backend.Requirements;
import dev.coxswain.backend.TrainReport;
import dev.coxswain.backend.TrainState;
import dev.coxswain.backend.TrainStep;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;

/** The training step's passage to native code: checks shapes and ranges, hands addresses over. */
final class CpuTraining {
  private static final int REPORT_WORDS = 5;

  private CpuTraining() {}

  static TrainReport step(long device, TrainState state, TrainStep step, TensorView x) {
    Requirements.train(state, step, x);
    try (HostTensor report = HostTensor.allocate(DType.I64, REPORT_WORDS)) {
      long address = report.view().address();
      Native.trainStep(
          device,
          Checks.host("W_enc", state.wEnc()),
          Checks.host("b_enc", state.bEnc()),
          Checks.host("W_dec", state.wDec()),
          Checks.host("b_dec", state.bDec()),
          Checks.host("m", state.firstMoment()),
          Checks.host("v", state.secondMoment()),
          Checks.host("rows since fired", state.rowsSinceFired()),
          state.features(),
          state.width(),
          step.k(),
          step.kAux(),
          step.auxCoefficient(),
          step.deadAfter(),
          step.step(),
          step.learningRate(),
          step.beta1(),
          step.beta2(),
          step.epsilon(),
          Checks.host("x", x),
          x.rows(),
          address);
      return new TrainReport(
          HostMemory.getDouble(address),
          HostMemory.getDouble(address + 8),
          HostMemory.getDouble(address + 16),
          HostMemory.getLong(address + 24),
          HostMemory.getLong(address + 32));
    }
  }
}
