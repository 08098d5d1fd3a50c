package dev.coxswain.bench;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.Result;

/**
 * One measured case beside its bound.
 *
 * @param operation encode, decode, …
 * @param parameters of the case, by name
 * @param seconds an operation, mean over the iterations
 * @param spread half width of the 99.9 % interval of {@code seconds}; NaN where too few iterations
 * @param allocatedBytes of the Java heap an operation
 * @param work what it has to do at least; nothing where the cost of the call is what is measured
 */
record Row(
    String operation,
    Map<String, String> parameters,
    double seconds,
    double spread,
    double allocatedBytes,
    Work work) {
  /** By JMH's GC profiler. */
  private static final String ALLOCATED = "gc.alloc.rate.norm";

  static Row of(BenchmarkResult run) {
    BenchmarkParams params = run.getParams();
    String type = params.getBenchmark().replaceAll(".*\\.(\\w+)Benchmark\\..*", "$1");
    Map<String, String> parameters = new LinkedHashMap<>();
    params.getParamsKeys().forEach(key -> parameters.put(key, params.getParam(key)));
    Result<?> time = run.getPrimaryResult();
    return new Row(
        type.toLowerCase(Locale.ROOT),
        parameters,
        time.getScore() / 1e9,
        time.getScoreError() / 1e9,
        run.getSecondaryResults().get(ALLOCATED).getScore(),
        work(type, params));
  }

  private static Work work(String type, BenchmarkParams params) {
    return switch (type) {
      case "Encode" -> EncodeBenchmark.work(size(params), number(params, "rows"));
      case "Decode" -> DecodeBenchmark.work(size(params), number(params, "rows"));
      case "Steer" ->
          SteerBenchmark.work((int) number(params, "width"), number(params, "features"));
      case "Explain" -> ExplainBenchmark.work(size(params), number(params, "words"));
      case "Train" -> TrainBenchmark.work(size(params));
      case "Launch" -> Work.NONE;
      default -> throw new IllegalArgumentException("no bound is known for " + type);
    };
  }

  private static Size size(BenchmarkParams params) {
    return Size.parse(params.getParam("size"));
  }

  private static long number(BenchmarkParams params, String name) {
    return Long.parseLong(params.getParam(name));
  }

  double share(Machine machine) {
    return work.boundSeconds(machine) / seconds;
  }

  String text(Machine machine) {
    if (work == Work.NONE) {
      return String.format(
          Locale.ROOT,
          "%-8s %-28s %10s %9.3f B of Java heap",
          operation,
          shown(),
          time(),
          allocatedBytes);
    }
    return String.format(
        Locale.ROOT,
        "%-8s %-28s %10s %9.2f %9.1f  %-7s %5.0f %%",
        operation,
        shown(),
        time(),
        work.bytes() / seconds / 1e9,
        work.flops() / seconds / 1e9,
        work.bound(machine),
        100 * share(machine));
  }

  private String shown() {
    return String.join(" ", parameters.entrySet().stream().map(Row::shown).toList());
  }

  static String heading() {
    return String.format(
        "%-8s %-28s %10s %9s %9s  %-7s %7s",
        "", "case", "time", "GB/s", "GFLOP/s", "bound", "share");
  }

  private static String shown(Map.Entry<String, String> parameter) {
    return parameter.getKey().equals("size")
        ? parameter.getValue().replace('-', ' ')
        : parameter.getKey() + "=" + parameter.getValue();
  }

  private String time() {
    if (seconds >= 1) {
      return String.format(Locale.ROOT, "%.2f s", seconds);
    }
    return seconds >= 1e-3
        ? String.format(Locale.ROOT, "%.2f ms", seconds * 1e3)
        : String.format(Locale.ROOT, "%.2f µs", seconds * 1e6);
  }

  Map<String, Object> asObject(Machine machine) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("operation", operation);
    object.put("parameters", parameters);
    object.put("seconds", seconds);
    object.put("spread_seconds", spread);
    object.put("allocated_bytes", allocatedBytes);
    if (work == Work.NONE) {
      return object;
    }
    object.put("bytes_per_s", work.bytes() / seconds);
    object.put("flops_per_s", work.flops() / seconds);
    object.put("bound", work.bound(machine));
    object.put("bound_seconds", work.boundSeconds(machine));
    object.put("share_of_bound", share(machine));
    return object;
  }
}
