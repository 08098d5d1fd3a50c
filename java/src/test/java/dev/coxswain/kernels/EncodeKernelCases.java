package dev.coxswain.kernels;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.backend.cuda.CudaBackend;
import dev.coxswain.kernels.KernelCase.Promise;
import dev.coxswain.kernels.KernelCase.Row;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import java.util.List;
import java.util.Optional;

/** The exact scan of few rows, the int8 screen of few rows, and the tensor-core screen of many. */
final class EncodeKernelCases {
  private static final int F = 16384;
  private static final int D = 1024;
  private static final int K = 32;

  private EncodeKernelCases() {}

  static List<KernelCase> all() {
    return List.of(scan(), int8(), fused());
  }

  private static KernelCase scan() {
    return new KernelCase(
        "encode scan",
        "n 1, F 16384, d 1024",
        List.of(
            new Row(
                "encode_scan",
                "cox_encode_scan_1",
                4L * F * D + 8L * F + 4L * D,
                Promise.streaming())),
        backend -> encode(backend, "SCAN", 1, F, D));
  }

  private static KernelCase int8() {
    return new KernelCase(
        "encode int8",
        "n 1, F 16384, d 1024",
        List.of(
            new Row(
                "encode_planes",
                "cox_screen_weights",
                5L * F * D + 12L * F,
                Promise.tiled()), // once an SAE: the second reading of a row comes from the cache
            new Row(
                "encode_int8",
                "cox_screen_int8_1",
                (long) F * D + 8L * F + 2L * D,
                Promise.streaming())),
        backend -> encode(backend, "INT8", 1, F, D));
  }

  private static KernelCase fused() {
    return new KernelCase(
        "encode fused",
        "n 256, F 2048, d 256",
        List.of(
            new Row(
                "encode_fused",
                "cox_screen_fused",
                2L * (256 + 2048) * 256 + 8L * 2048,
                Promise.tiled())),
        backend -> encode(backend, "FUSED", 256, 2048, 256));
  }

  private static void encode(CudaBackend backend, String path, int n, int features, int width) {
    try (Operands operands = new Operands(backend)) {
      Encoder encoder =
          new Encoder(
              operands.floats(1, 0.05f, features, width),
              operands.floats(2, 0.05f, features),
              Optional.of(operands.floats(3, 0.05f, width)),
              Optional.empty(),
              Activation.TOP_K,
              K,
              Normalization.NONE);
      SparseRows active =
          new SparseRows(
              operands.room(DType.F32, n, K),
              operands.room(DType.I32, n, K),
              operands.room(DType.F32, n, 2));
      TensorView x = operands.hiddenStates(DType.F32, 4, 1, n, width);
      backend.probe().encode(path, encoder, x, active);
    }
  }
}
