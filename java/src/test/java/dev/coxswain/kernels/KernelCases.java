package dev.coxswain.kernels;

import dev.coxswain.backend.cuda.CudaBackend;
import java.util.List;
import java.util.stream.Stream;

/** Every kernel's case; and the program that runs one of them. */
final class KernelCases {
  private KernelCases() {}

  static List<KernelCase> all() {
    return Stream.of(
            EncodeKernelCases.all(),
            DecodeKernelCases.all(),
            SteerKernelCases.all(),
            ExplainKernelCases.all(),
            TrainKernelCases.all())
        .flatMap(List::stream)
        .toList();
  }

  /** Runs the case of that name on the first CUDA device. */
  public static void main(String[] name) {
    KernelCase wanted =
        all().stream().filter(kernel -> kernel.name().equals(name[0])).findFirst().orElseThrow();
    try (CudaBackend backend = CudaBackend.open(0)) {
      wanted.work().accept(backend);
    }
  }
}
