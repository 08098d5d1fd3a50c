package dev.coxswain.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * The least an operation has to do, as phases that follow one another: none can begin before the
 * one ahead of it is done.
 */
record Work(List<Phase> phases) {
  /**
   * @param bytes to be moved from and to memory at least
   * @param flops to be done at least, a multiply-add being two
   */
  record Phase(double bytes, double flops) {
    private double seconds(Machine machine) {
      return Math.max(bytes / machine.bytesPerSecond(bytes), flops / machine.flopsPerSecond());
    }

    private double memorySeconds(Machine machine) {
      return bytes / machine.bytesPerSecond(bytes);
    }
  }

  /** Of a call whose own cost is what counts. */
  static final Work NONE = new Work(List.of());

  static Work of(double bytes, double flops) {
    return new Work(List.of(new Phase(bytes, flops)));
  }

  Work then(double bytes, double flops) {
    List<Phase> longer = new ArrayList<>(phases);
    longer.add(new Phase(bytes, flops));
    return new Work(List.copyOf(longer));
  }

  double bytes() {
    return phases.stream().mapToDouble(Phase::bytes).sum();
  }

  double flops() {
    return phases.stream().mapToDouble(Phase::flops).sum();
  }

  /** No implementation in float32 can be quicker on this machine. */
  double boundSeconds(Machine machine) {
    return phases.stream().mapToDouble(phase -> phase.seconds(machine)).sum();
  }

  /** What the bound consists of for the most part: "memory" or "compute". */
  String bound(Machine machine) {
    double memory =
        phases.stream()
            .filter(phase -> phase.memorySeconds(machine) >= phase.seconds(machine))
            .mapToDouble(phase -> phase.seconds(machine))
            .sum();
    return memory >= boundSeconds(machine) / 2 ? "memory" : "compute";
  }
}
