package dev.coxswain.kernels;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

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

  private static final String OTHERS =
      """

      ## Beside them

      The other kernels that those operations launch: preparation, selection, sorting, the paths for other shapes. Counted in
      the same runs; of these it is promised only that none spills. The variants of a kernel for unaligned rows (`_any`) and
      other numbers of rows are the same code and left out.

      """;

  static String render(List<KernelFigures> figures, List<AlsoLaunched> others) {
    String architectures =
        KernelFigures.ARCHITECTURES.stream()
            .map(sm -> "sm_" + sm)
            .collect(Collectors.joining(" / "));
    return String.format(INTRODUCTION, architectures)
        + table(HEADS, figures.stream().map(KernelFigures::markdown))
        + OTHERS
        + table(AlsoLaunched.HEADS, others.stream().map(AlsoLaunched::markdown));
  }

  private static String table(List<String> heads, Stream<String> rows) {
    return heads.stream().collect(Collectors.joining(" | ", "| ", " |\n"))
        + heads.stream().map(h -> "---").collect(Collectors.joining("|", "|", "|\n"))
        + rows.collect(Collectors.joining("\n", "", "\n"));
  }
}
