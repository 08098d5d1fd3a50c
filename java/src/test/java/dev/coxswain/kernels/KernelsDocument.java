package dev.coxswain.kernels;

import java.util.List;
import java.util.stream.Collectors;

/** docs/kernels.md: the figures of every kernel as a table. */
final class KernelsDocument {
  private static final List<String> HEADS =
      List.of(
          "kernel",
          "shape",
          "registers",
          "spilled bytes",
          "shared KiB",
          "occupancy",
          "least MB",
          "moved MB",
          "moved/least",
          "useful sectors",
          "conflicts/request",
          "mma",
          "barriers",
          "predicted µs");

  private static final String INTRODUCTION =
      """
      # Kernels

      Rendered by `scripts/kernels-doc.sh`; `KernelFiguresTest` fails when a promised figure gets worse. Bytes, sectors,
      bank conflicts, mma and barriers were counted by the software CUDA driver (`native/softcuda`), which executes the
      shipped PTX; registers, spills and shared memory are ptxas's (one number where all architectures agree). Nothing
      here was timed on a GPU.

      - *registers*, *spilled bytes*: for %s.
      - *least*: every input read once, every output written once. *moved*: all 32-byte sectors of global loads and
        stores, also those that an L2 cache would give; so a tiled product moves more than the least by design.
      - *useful sectors*: what the requests of global loads need, of what they move. *conflicts/request*: wavefronts of
        shared memory beyond those that the bytes need.
      - *occupancy*: resident warps of an H100 by registers, shared memory and blocks.
      - *predicted µs*: on an H100 the least bytes at 3.0 TB/s, the float32 operations at 29.7 or the double ones at 14.8
        tera a second, whichever takes longest; without launch and latency. A prediction, not a measurement.

      """;

  private KernelsDocument() {}

  static String render(List<KernelFigures> figures) {
    String architectures =
        KernelFigures.ARCHITECTURES.stream()
            .map(sm -> "sm_" + sm)
            .collect(Collectors.joining(" / "));
    String head = HEADS.stream().collect(Collectors.joining(" | ", "| ", " |\n"));
    String rule = HEADS.stream().map(h -> "---").collect(Collectors.joining("|", "|", "|\n"));
    String rows =
        figures.stream().map(KernelFigures::markdown).collect(Collectors.joining("\n", "", "\n"));
    return String.format(INTRODUCTION, architectures) + head + rule + rows;
  }
}
