package dev.coxswain.gpucheck;

import dev.coxswain.backend.DeviceProbe;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Times operations: some to warm up, then calls by the host's clock, then kernels by the card's.
 */
final class Stopwatch {
  private static final int WARM_UP = 3;
  private static final int FEWEST = 5;
  private static final int MOST = 21;

  /** Where {@link #MOST} calls would take longer there are fewer. */
  private static final double SECONDS = 2;

  private final DeviceProbe probe;
  private final Card card;

  Stopwatch(DeviceProbe probe, Card card) {
    this.probe = probe;
    this.card = card;
  }

  SpeedResult time(
      String operation, String name, Limit limit, OptionalDouble cublas, Runnable work) {
    double once = 0;
    for (int i = 0; i < WARM_UP; i++) {
      once = call(work);
    }
    int repeats = (int) Math.max(FEWEST, Math.min(MOST, SECONDS / once));
    double[] calls = new double[repeats];
    for (int i = 0; i < repeats; i++) {
      calls[i] = call(work);
    }
    double[] sums = new double[repeats];
    Map<String, List<Double>> each = new LinkedHashMap<>();
    for (int i = 0; i < repeats; i++) {
      Map<String, Double> kernels = new LinkedHashMap<>();
      probe
          .time(work)
          .forEach(kernel -> kernels.merge(kernel.name(), kernel.seconds(), Double::sum));
      sums[i] = kernels.values().stream().mapToDouble(Double::doubleValue).sum();
      kernels.forEach(
          (kernel, seconds) ->
              each.computeIfAbsent(kernel, unused -> new ArrayList<>()).add(seconds));
    }
    return new SpeedResult(
        operation,
        name,
        Samples.of(calls),
        Samples.of(sums),
        medians(each),
        limit.seconds(card),
        cublas);
  }

  private static double call(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) / 1e9;
  }

  private static Map<String, Double> medians(Map<String, List<Double>> each) {
    Map<String, Double> medians = new LinkedHashMap<>();
    each.forEach(
        (kernel, seconds) -> {
          double[] samples = seconds.stream().mapToDouble(Double::doubleValue).toArray();
          medians.put(kernel, Samples.of(samples).median());
        });
    return medians;
  }
}
