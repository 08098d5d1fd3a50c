package dev.coxswain.kernels;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A kernel that a case launches beside those it is about: counted, with nothing promised but that
 * it does not spill.
 *
 * @param hopper what ptxas gave it on sm_90
 */
record AlsoLaunched(String kernel, String shape, KernelCounters counters, CubinResources hopper) {
  static final List<String> HEADS =
      List.of(
          "kernel",
          "shape",
          "launches",
          "registers (sm_90)",
          "shared KiB",
          "moved MB",
          "useful sectors",
          "conflicts/request",
          "mma",
          "barriers");

  static List<AlsoLaunched> of(KernelCase kernelCase, Map<String, KernelCounters> counters)
      throws IOException {
    Set<String> shown =
        kernelCase.rows().stream().map(KernelCase.Row::kernel).collect(Collectors.toSet());
    List<AlsoLaunched> others = new ArrayList<>();
    for (Map.Entry<String, KernelCounters> entry : new TreeMap<>(counters).entrySet()) {
      if (!shown.contains(entry.getKey())) {
        others.add(
            new AlsoLaunched(
                entry.getKey(),
                kernelCase.shape(),
                entry.getValue(),
                CubinResources.of(entry.getKey(), 90)));
      }
    }
    return others;
  }

  /** A row of the second table. */
  String markdown() {
    int shared = hopper.sharedBytes() + counters.sharedBytes();
    return String.join(
        " | ",
        "| `" + kernel + "`",
        shape,
        Long.toString(counters.launches()),
        Integer.toString(hopper.registers()),
        String.format(Locale.ROOT, "%.1f", shared / 1024.0),
        String.format(Locale.ROOT, "%.3f", counters.movedBytes() / 1e6),
        String.format(Locale.ROOT, "%.0f %%", 100 * counters.usefulSectors()),
        String.format(Locale.ROOT, "%.3f", counters.conflictsARequest()),
        Long.toString(counters.mma()),
        counters.barriers() + " |");
  }
}
