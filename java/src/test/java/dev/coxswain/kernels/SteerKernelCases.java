package dev.coxswain.kernels;

import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.backend.cuda.CudaBackend;
import dev.coxswain.kernels.KernelCase.Promise;
import dev.coxswain.kernels.KernelCase.Row;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import java.util.List;
import java.util.Optional;

/** A plan of 64 features on a group of rows: one launch, which reads its weights once. */
final class SteerKernelCases {
  private static final int N = 8;
  private static final int M = 64;
  private static final int D = 1024;

  private SteerKernelCases() {}

  static List<KernelCase> all() {
    return List.of(
        new KernelCase(
            "steer",
            "n 8 of one plan, m 64, d 1024, bf16",
            List.of(
                new Row(
                    "steer",
                    "cox_steer",
                    8L * M * D + 4L * M + 4L * N * D,
                    Promise.streaming().launches(1))),
            backend -> steer(backend, M)),
        new KernelCase(
            "steer wide",
            "n 8 of one plan, m 512, d 1024, bf16",
            List.of(),
            backend -> steer(backend, 512)));
  }

  private static void steer(CudaBackend backend, int m) {
    try (Operands operands = new Operands(backend);
        SteerKernel kernel =
            backend.steerKernel(
                D,
                List.of(
                    new SteerRule(
                        SteerRule.Kind.AMPLIFY,
                        Optional.of(operands.floats(1, 0.05f, m, D)),
                        Optional.of(operands.floats(2, 0.05f, m)),
                        Optional.of(operands.floats(3, 0.05f, m, D)),
                        Optional.empty(),
                        0.5f)),
                Optional.empty())) {
      TensorView x = operands.hiddenStates(DType.BF16, 4, 2, N, D);
      kernel.apply(x.address(), 2L * D, x.address(), 2L * D, N, DType.BF16, 0, 0);
    }
  }
}
