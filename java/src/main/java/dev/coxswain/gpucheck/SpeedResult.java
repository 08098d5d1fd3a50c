package dev.coxswain.gpucheck;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * One operation timed on a card.
 *
 * @param operation encode, decode, …
 * @param name of the case
 * @param call from the call to its return, by the host's clock
 * @param kernels of all kernels of a call together, by the card's clock
 * @param each median of each kernel's time in a call, in seconds, in order of first launch
 * @param limit seconds that the card cannot go below
 * @param cublas seconds of cuBLAS' bare product of the same shape, where there is one
 */
public record SpeedResult(
    String operation,
    String name,
    Samples call,
    Samples kernels,
    Map<String, Double> each,
    double limit,
    OptionalDouble cublas) {
  double share() {
    return limit / kernels.median();
  }

  /** Of the columns of {@link #text}. */
  public static String heading() {
    return String.format(
        Locale.ROOT,
        "%-8s %-32s %16s %16s %10s %6s %10s",
        "",
        "case",
        "call",
        "kernels",
        "limit",
        "share",
        "cuBLAS");
  }

  /** A line, and one for each kernel. */
  public String text() {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%-8s %-32s %16s %16s %10s %4.0f %% %10s",
            operation,
            name,
            shown(call),
            shown(kernels),
            shown(limit),
            100 * share(),
            cublas.isPresent() ? shown(cublas.getAsDouble()) : ""));
    each.forEach(
        (kernel, seconds) ->
            text.append(
                String.format(Locale.ROOT, "%n%-8s   %-47s %16s", "", kernel, shown(seconds))));
    return text.toString();
  }

  private static String shown(Samples samples) {
    return String.format(
        Locale.ROOT, "%s ±%2.0f %%", shown(samples.median()), 100 * samples.spread());
  }

  private static String shown(double seconds) {
    return seconds >= 1e-3
        ? String.format(Locale.ROOT, "%.2f ms", seconds * 1e3)
        : String.format(Locale.ROOT, "%.1f µs", seconds * 1e6);
  }

  Map<String, Object> asObject() {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("operation", operation);
    object.put("case", name);
    object.put("call_seconds", call.median());
    object.put("call_spread", call.spread());
    object.put("kernel_seconds", kernels.median());
    object.put("kernel_spread", kernels.spread());
    object.put("seconds_by_kernel", each);
    object.put("limit_seconds", limit);
    object.put("share_of_limit", share());
    cublas.ifPresent(seconds -> object.put("cublas_product_seconds", seconds));
    return object;
  }
}
