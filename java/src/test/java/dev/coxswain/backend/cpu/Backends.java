package dev.coxswain.backend.cpu;

import java.util.List;
import java.util.stream.Stream;

/** One backend an instruction set and thread count: all must give the same bits. */
final class Backends implements AutoCloseable {
  final List<CpuBackend> all;

  Backends() {
    all =
        CpuBackend.supportedIsas().stream()
            .flatMap(isa -> Stream.of(1, 2, 5).map(threads -> CpuBackend.open(threads, isa)))
            .toList();
  }

  CpuBackend first() {
    return all.get(0);
  }

  @Override
  public void close() {
    all.forEach(CpuBackend::close);
  }
}
