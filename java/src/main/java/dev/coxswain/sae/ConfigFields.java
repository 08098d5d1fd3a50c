package dev.coxswain.sae;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.Json;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/** The fields of a configuration file, each checked for its type; errors name file and field. */
final class ConfigFields {
  private static final int SHOWN = 60;

  private final Path path;
  private final String prefix;
  private final JsonNode node;

  private ConfigFields(Path path, String prefix, JsonNode node) {
    this.path = path;
    this.prefix = prefix;
    this.node = node;
  }

  static ConfigFields read(Path path) {
    JsonNode node = Json.read(path);
    if (!node.isObject()) {
      throw new InvalidDataException(path + " must hold a JSON object");
    }
    return new ConfigFields(path, "", node);
  }

  Path path() {
    return path;
  }

  /** True where the field is there and not null. */
  boolean has(String name) {
    return node.hasNonNull(name);
  }

  JsonNode node() {
    return node;
  }

  int positiveInt(String name) {
    return optionalInt(name).orElseThrow(() -> wrong(name, "a positive integer"));
  }

  /** Empty where the field is missing; null counts as a wrong value. */
  OptionalInt optionalInt(String name) {
    if (!node.has(name)) {
      return OptionalInt.empty();
    }
    JsonNode value = node.get(name);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1) {
      throw wrong(name, "a positive integer");
    }
    return OptionalInt.of(value.intValue());
  }

  boolean flag(String name, boolean ifMissing) {
    if (!node.has(name)) {
      return ifMissing;
    }
    if (!node.get(name).isBoolean()) {
      throw wrong(name, "true or false");
    }
    return node.get(name).booleanValue();
  }

  /** Empty where the field is missing or null. */
  Optional<String> text(String name) {
    if (!has(name)) {
      return Optional.empty();
    }
    if (!node.get(name).isTextual()) {
      throw wrong(name, "a string");
    }
    return Optional.of(node.get(name).textValue());
  }

  /** Empty where the field is missing or null. */
  Optional<Double> positiveNumber(String name) {
    if (!has(name)) {
      return Optional.empty();
    }
    double value = node.get(name).doubleValue();
    if (!node.get(name).isNumber() || !(value > 0) || Double.isInfinite(value)) {
      throw wrong(name, "a positive number");
    }
    return Optional.of(value);
  }

  /** Empty where the field is missing or null. */
  Optional<ConfigFields> object(String name) {
    if (!has(name)) {
      return Optional.empty();
    }
    if (!node.get(name).isObject()) {
      throw wrong(name, "an object");
    }
    return Optional.of(new ConfigFields(path, prefix + name + ".", node.get(name)));
  }

  InvalidDataException wrong(String name, String needed) {
    String found = node.has(name) ? "is " + shown(node.get(name)) : "is missing";
    return new InvalidDataException(
        path + ": field '" + prefix + name + "' " + found + "; " + needed + " is needed");
  }

  /** An error about fields that are well-formed. */
  InvalidDataException contradiction(String text) {
    return new InvalidDataException(path + ": " + text);
  }

  private static String shown(JsonNode value) {
    String text = value.toString();
    return text.length() > SHOWN ? text.substring(0, SHOWN) + "…" : text;
  }

  /** All fields but those in {@code except} as text by dotted name; strings as they are. */
  Map<String, String> flattened(java.util.Set<String> except) {
    Map<String, String> flat = new TreeMap<>();
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      if (!except.contains(field.getKey())) {
        flatten(field.getKey(), field.getValue(), flat);
      }
    }
    return flat;
  }

  private static void flatten(String name, JsonNode value, Map<String, String> flat) {
    if (value.isObject() && !value.isEmpty()) {
      value
          .properties()
          .forEach(field -> flatten(name + "." + field.getKey(), field.getValue(), flat));
    } else {
      flat.put(name, value.isTextual() ? value.textValue() : value.toString());
    }
  }
}
