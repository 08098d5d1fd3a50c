package dev.coxswain.gpucheck;

import dev.coxswain.error.DeviceException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Runs cases on the CPU and on a device and keeps what came of each. For one thread. */
final class Comparison {
  /** What a case does on one side. */
  interface Work {
    void run(Side side, Outcome outcome);
  }

  private final Side cpu;
  private final Side device;
  private final Consumer<ParityResult> listener;
  private final List<ParityResult> results = new ArrayList<>();

  Comparison(Side cpu, Side device, Consumer<ParityResult> listener) {
    this.cpu = cpu;
    this.device = device;
    this.listener = listener;
  }

  void compare(String operation, String name, long seed, Work work) {
    try (Outcome expected = new Outcome(cpu);
        Outcome found = new Outcome(device)) {
      work.run(cpu, expected);
      Optional<String> difference = runOnDevice(work, found).or(() -> expected.difference(found));
      ParityResult result = new ParityResult(operation, name, seed, expected.values(), difference);
      results.add(result);
      listener.accept(result);
    } finally {
      cpu.endCase();
      device.endCase();
    }
  }

  /** Why it failed, if it did: the other cases may still say something. */
  private Optional<String> runOnDevice(Work work, Outcome found) {
    try {
      work.run(device, found);
      return Optional.empty();
    } catch (DeviceException e) {
      return Optional.of(e.getMessage());
    }
  }

  List<ParityResult> results() {
    return List.copyOf(results);
  }
}
