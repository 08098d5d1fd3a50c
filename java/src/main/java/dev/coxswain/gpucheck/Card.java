package dev.coxswain.gpucheck;

import dev.coxswain.backend.DeviceProbe;
import dev.coxswain.tensor.DType;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;

/**
 * What the card allows, measured in this run.
 *
 * @param bytesPerSecond read and written together, by a copy within its memory
 * @param bf16FlopsPerSecond of cuBLAS' product of bfloat16; empty without cuBLAS
 * @param f32FlopsPerSecond of cuBLAS' product of float32; empty without cuBLAS
 */
record Card(
    double bytesPerSecond, OptionalDouble bf16FlopsPerSecond, OptionalDouble f32FlopsPerSecond) {
  private static final int REPEATS = 5;
  private static final long COPIED = 1L << 30;
  private static final int SIDE = 8192;
  private static final int F32_SIDE = 4096;

  static Card measure(DeviceProbe probe) {
    long bytes = Math.min(COPIED, probe.freeBytes() / 8);
    double copy = best(() -> probe.copySeconds(bytes));
    boolean products = probe.productsUnusable().isEmpty();
    return new Card(
        2 * bytes / copy,
        products ? OptionalDouble.of(flops(probe, DType.BF16, SIDE)) : OptionalDouble.empty(),
        products ? OptionalDouble.of(flops(probe, DType.F32, F32_SIDE)) : OptionalDouble.empty());
  }

  private static double flops(DeviceProbe probe, DType dtype, int side) {
    return 2.0 * side * side * side / best(() -> probe.productSeconds(dtype, side, side, side));
  }

  private interface Measurement {
    double seconds();
  }

  private static double best(Measurement measurement) {
    return DoubleStream.generate(measurement::seconds).limit(REPEATS).min().orElseThrow();
  }

  String text() {
    String memory = String.format(Locale.ROOT, "%.0f GB/s by a copy", bytesPerSecond / 1e9);
    if (bf16FlopsPerSecond.isEmpty()) {
      return memory;
    }
    return memory
        + String.format(
            Locale.ROOT,
            ", by cuBLAS %.1f TFLOP/s in bfloat16 and %.1f in float32",
            bf16FlopsPerSecond.getAsDouble() / 1e12,
            f32FlopsPerSecond.orElseThrow() / 1e12);
  }

  Map<String, Object> asObject() {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("copy_bytes_per_s", bytesPerSecond);
    bf16FlopsPerSecond.ifPresent(flops -> object.put("bf16_product_flops_per_s", flops));
    f32FlopsPerSecond.ifPresent(flops -> object.put("f32_product_flops_per_s", flops));
    return object;
  }
}
