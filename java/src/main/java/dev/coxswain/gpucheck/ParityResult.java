package dev.coxswain.gpucheck;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * One operation on the CPU and on a device.
 *
 * @param operation encode, decode, …
 * @param name of the case: shape, type, rule
 * @param seed that its inputs come from
 * @param values numbers compared
 * @param difference the first that differs in a bit, or how the device failed, in words; empty
 *     where all is equal
 */
public record ParityResult(
    String operation, String name, long seed, long values, Optional<String> difference) {
  boolean isEqual() {
    return difference.isEmpty();
  }

  Map<String, Object> asObject() {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("operation", operation);
    object.put("case", name);
    object.put("seed", seed);
    object.put("values", values);
    object.put("equal", isEqual());
    difference.ifPresent(text -> object.put("difference", text));
    return object;
  }
}
