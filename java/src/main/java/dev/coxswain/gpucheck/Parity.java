package dev.coxswain.gpucheck;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.DeviceProbe;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** The first half of a check: every operation computes the same bits on both backends. */
final class Parity {
  private Parity() {}

  /**
   * @param probe of the device; empty where it is none
   * @param listener hears each result as it comes
   */
  static List<ParityResult> run(
      Backend cpu,
      Backend device,
      Optional<DeviceProbe> probe,
      List<CheckSize> sizes,
      long seed,
      Consumer<ParityResult> listener) {
    try (Side here = new Side(cpu);
        Side there = new Side(device)) {
      Comparison comparison = new Comparison(here, there, listener);
      for (CheckSize size : sizes) {
        codec(here, there, probe, comparison, size, seed);
        new SteerParity(size, seed + 1).run(comparison);
        new ExplainParity(size, seed + 2).run(comparison);
        new TrainParity(size, seed + 3).run(comparison);
      }
      return comparison.results();
    }
  }

  private static void codec(
      Side cpu,
      Side device,
      Optional<DeviceProbe> probe,
      Comparison comparison,
      CheckSize size,
      long seed) {
    try (CodecParity codec = new CodecParity(size, seed)) {
      if (size.features() <= CheckSize.SMALL.features()) {
        codec.runAll(comparison);
      } else {
        codec.runSome(comparison);
      }
      probe.ifPresent(known -> codec.runPaths(comparison, known));
      codec.tensors().forEach(cpu::forget);
      codec.tensors().forEach(device::forget);
    }
  }
}
