package dev.coxswain.backend.cpu;

import dev.coxswain.backend.Backend;
import java.util.Arrays;
import java.util.List;

/** Every instruction set of this machine as a backend, for tests of their equality. */
public final class CpuBackends {
  private CpuBackends() {}

  /** One an instruction set and thread count, the best instruction set last. */
  public static List<Backend> all(int... threads) {
    return CpuBackend.supportedIsas().stream()
        .flatMap(isa -> Arrays.stream(threads).mapToObj(n -> (Backend) CpuBackend.open(n, isa)))
        .toList();
  }
}
