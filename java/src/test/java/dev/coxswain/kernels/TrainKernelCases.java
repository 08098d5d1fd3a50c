package dev.coxswain.kernels;

import dev.coxswain.backend.TrainState;
import dev.coxswain.backend.TrainStep;
import dev.coxswain.backend.cuda.CudaBackend;
import dev.coxswain.kernels.KernelCase.Promise;
import dev.coxswain.kernels.KernelCase.Row;
import dev.coxswain.tensor.DType;
import java.util.List;

/** One step: what is spent on the state outweighs the rest. */
final class TrainKernelCases {
  private static final int N = 64;
  private static final int F = 2048;
  private static final int D = 256;
  private static final int K = 8;

  private TrainKernelCases() {}

  static List<KernelCase> all() {
    return List.of(
        new KernelCase(
            "train step",
            "n 64, F 2048, d 256, k 8",
            List.of(
                new Row(
                    "train_update",
                    "cox_train_update",
                    48L * F * D + 8L * N * D + 40L * F,
                    Promise.tiled())),
            backend -> step(backend, 0)),
        new KernelCase(
            "train step with AuxK",
            "n 64, F 2048, d 256, k 8, k_aux 128, all dead",
            List.of(),
            backend -> step(backend, 128)));
  }

  private static void step(CudaBackend backend, int kAux) {
    long parameters = TrainState.parameters(F, D);
    try (Operands operands = new Operands(backend)) {
      TrainState state =
          new TrainState(
              operands.floats(1, 0.05f, F, D),
              operands.floats(2, 0.05f, F),
              operands.floats(3, 0.05f, F, D),
              operands.floats(4, 0.05f, D),
              operands.room(DType.F32, parameters),
              operands.room(DType.F32, parameters),
              operands.room(DType.I64, F));
      TrainStep step =
          new TrainStep(K, kAux, 1 / 32f, kAux > 0 ? 0 : 1 << 20, 1, 1e-3f, 0.9f, 0.999f, 1e-8f);
      backend.trainStep(state, step, operands.floats(5, 2, N, D));
    }
  }
}
