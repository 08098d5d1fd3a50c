package dev.coxswain.kernels;

import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.backend.cuda.CudaBackend;
import dev.coxswain.kernels.KernelCase.Promise;
import dev.coxswain.kernels.KernelCase.Row;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import java.util.List;

/** Rows whose active features are all different, so that the least to read is clear. */
final class DecodeKernelCases {
  private static final int N = 32;
  private static final int K = 64;
  private static final int F = N * K;
  private static final int D = 1024;

  private DecodeKernelCases() {}

  static List<KernelCase> all() {
    return List.of(
        new KernelCase(
            "decode",
            "n 32, F 2048, d 1024, k 64",
            List.of(
                new Row(
                    "decode",
                    "cox_decode",
                    4L * N * K * D + 4L * N * D + 8L * N * K + 8L * N + 4L * D,
                    Promise.streaming())),
            backend -> decode(backend, F)),
        new KernelCase(
            "decode dense",
            "n 32, F 512, d 1024, k 64",
            List.of(),
            backend -> decode(backend, 512)));
  }

  private static void decode(CudaBackend backend, int count) {
    int[] features = new int[N * K];
    float[] normalization = new float[2 * N];
    for (int i = 0; i < features.length; i++) {
      features[i] = (int) (((long) i * 1021) % count); // 1021 is prime: every feature as often
    }
    for (int row = 0; row < N; row++) {
      normalization[2 * row + 1] = 1;
    }
    try (Operands operands = new Operands(backend)) {
      TensorView wDec = operands.floats(1, 0.05f, count, D);
      SparseRows active =
          new SparseRows(
              operands.floats(2, 3, N, K),
              operands.ints(features, N, K),
              operands.floats(normalization, N, 2));
      backend.decode(
          new Decoder(wDec, operands.floats(3, 0.05f, D), Normalization.NONE),
          active,
          operands.room(DType.F32, N, D));
    }
  }
}
