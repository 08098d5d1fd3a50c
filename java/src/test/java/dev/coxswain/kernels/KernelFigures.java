package dev.coxswain.kernels;

import dev.coxswain.kernels.KernelCase.Promise;
import dev.coxswain.kernels.KernelCase.Row;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * One row of docs/kernels.md: what was counted and compiled of a kernel.
 *
 * @param resources by architecture, as in 90
 */
record KernelFigures(
    KernelCase kernelCase,
    Row row,
    KernelCounters counters,
    Map<Integer, CubinResources> resources) {
  /** The architectures whose registers the table shows, out of those that get a cubin. */
  static final List<Integer> ARCHITECTURES = List.of(80, 89, 90, 120);

  /** What an H100's memory is planned to give, in bytes a microsecond. */
  private static final double BYTES_A_MICROSECOND = 3.0e6;

  /** Float32 lanes of an H100 at 1.755 GHz, in operations a microsecond; half as many of double. */
  private static final double FP32_A_MICROSECOND = 132 * 128 * 1755.0;

  /**
   * Of the kernels that a case is about.
   *
   * @param counters what its run counted, by kernel
   */
  static List<KernelFigures> of(KernelCase kernelCase, Map<String, KernelCounters> counters)
      throws IOException {
    List<KernelFigures> figures = new ArrayList<>();
    for (Row row : kernelCase.rows()) {
      KernelCounters own = counters.get(row.kernel());
      if (own == null) {
        throw new IOException(
            kernelCase.name() + " launched " + counters.keySet() + ", not " + row.kernel());
      }
      Map<Integer, CubinResources> resources = new TreeMap<>();
      for (int sm : ARCHITECTURES) {
        resources.put(sm, CubinResources.of(row.module(), row.kernel(), sm));
      }
      figures.add(new KernelFigures(kernelCase, row, own, resources));
    }
    return figures;
  }

  double bytesRatio() {
    return (double) counters.movedBytes() / row.leastBytes();
  }

  /** What the promise does not allow, one line each. */
  List<String> broken() {
    Promise promise = row.promise();
    List<String> broken = new ArrayList<>();
    if (bytesRatio() < 1) {
      broken.add(line("moves %.3f times the least bytes: the case's sum is wrong", bytesRatio()));
    }
    if (bytesRatio() > promise.bytes()) {
      broken.add(line("moves %.3f times the least bytes, not %.2f", bytesRatio(), promise.bytes()));
    }
    if (counters.loadSectors() > promise.loads() * counters.idealLoadSectors()) {
      broken.add(
          line("loads %d sectors, not %d", counters.loadSectors(), counters.idealLoadSectors()));
    }
    if (counters.conflictsARequest() > promise.conflicts()) {
      broken.add(
          line(
              "has %.3f bank conflicts a request, not %.3f",
              counters.conflictsARequest(), promise.conflicts()));
    }
    if (counters.launches() > promise.launches()) {
      broken.add(line("is launched %d times, not %d", counters.launches(), promise.launches()));
    }
    return broken;
  }

  private String line(String format, Object... values) {
    return row.kernel()
        + " at "
        + kernelCase.shape()
        + " "
        + String.format(Locale.ROOT, format, values);
  }

  /** A row of the table, its columns as {@link KernelsDocument} heads them. */
  String markdown() {
    CubinResources hopper = resources.get(90);
    int shared = hopper.sharedBytes() + counters.sharedBytes();
    return String.join(
        " | ",
        "| `" + row.kernel() + "`",
        kernelCase.shape(),
        each(CubinResources::registers),
        each(CubinResources::spillBytes),
        String.format(Locale.ROOT, "%.1f", shared / 1024.0),
        percent(hopper.occupancy(counters.threads(), counters.sharedBytes())),
        megabytes(row.leastBytes()),
        megabytes(counters.movedBytes()),
        String.format(Locale.ROOT, "%.2f", bytesRatio()),
        percent(counters.usefulSectors()),
        String.format(Locale.ROOT, "%.3f", counters.conflictsARequest()),
        Long.toString(counters.mma()),
        Long.toString(counters.barriers()),
        predicted() + " |");
  }

  /** Microseconds that what binds most takes an H100 at least, and what that is. */
  String predicted() {
    double bytes = row.leastBytes() / BYTES_A_MICROSECOND;
    double fp32 = counters.fp32() / FP32_A_MICROSECOND;
    double fp64 = counters.fp64() / (FP32_A_MICROSECOND / 2);
    double most = Math.max(bytes, Math.max(fp32, fp64));
    String bound = most == bytes ? "bytes" : most == fp32 ? "fp32" : "fp64";
    return String.format(Locale.ROOT, "%.3f (%s)", most, bound);
  }

  private String each(java.util.function.ToIntFunction<CubinResources> figure) {
    List<String> values =
        resources.values().stream().map(own -> Integer.toString(figure.applyAsInt(own))).toList();
    return values.stream().distinct().count() == 1 ? values.get(0) : String.join(" / ", values);
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * share);
  }

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%.3f", bytes / 1e6);
  }
}
