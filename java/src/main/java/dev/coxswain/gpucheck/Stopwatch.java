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
  private static final int REPEATS = 21;

  private final DeviceProbe probe;
  private final Card card;

  Stopwatch(DeviceProbe probe, Card card) {
    this.probe = probe;
    this.card = card;
  }

  SpeedResult time(
      String operation, String name, Limit limit, OptionalDouble cublas, Runnable work) {
    for (int i = 0; i < WARM_UP; i++) {
      work.run();
    }
    double[] calls = new double[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
      long start = System.nanoTime();
      work.run();
      calls[i] = (System.nanoTime() - start) / 1e9;
    }
    double[] sums = new double[REPEATS];
    Map<String, List<Double>> each = new LinkedHashMap<>();
    for (int i = 0; i < REPEATS; i++) {
      Map<String, Double> once = new LinkedHashMap<>();
      probe.time(work).forEach(kernel -> once.merge(kernel.name(), kernel.seconds(), Double::sum));
      sums[i] = once.values().stream().mapToDouble(Double::doubleValue).sum();
      once.forEach(
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
