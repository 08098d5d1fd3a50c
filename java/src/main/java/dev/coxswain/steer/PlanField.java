package dev.coxswain.steer;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.error.InvalidDataException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A value of a plan with its place, so that every error can name it: {@code rules[1].beta}. */
record PlanField(String file, String path, JsonNode value) {

  private static final int LONGEST_ERROR = 300;

  /** One short line, whatever keys and strings the plan holds. */
  InvalidDataException error(String what) {
    String text = (path.isEmpty() ? "the plan" : path) + " " + what;
    String shown = text.length() > LONGEST_ERROR ? text.substring(0, LONGEST_ERROR) + "…" : text;
    return new InvalidDataException(file + ": " + shown.replaceAll("\\p{Cntrl}", "?"));
  }

  private String shown() {
    String text = value.toString();
    return text.length() <= 40 ? text : text.substring(0, 37) + "...";
  }

  private PlanField at(String suffix, JsonNode child) {
    return new PlanField(file, path + suffix, child);
  }

  private PlanField child(String key, JsonNode child) {
    return at(path.isEmpty() ? key : "." + key, child);
  }

  /** This field, being an object with no other keys than these. */
  PlanField object(String owner, String... known) {
    if (!value.isObject()) {
      throw error("is " + shown() + "; an object is needed");
    }
    for (Iterator<String> keys = value.fieldNames(); keys.hasNext(); ) {
      String key = keys.next();
      if (!Arrays.asList(known).contains(key)) {
        throw child(key, value)
            .error("is not a key of " + owner + "; its keys are " + String.join(", ", known));
      }
    }
    return this;
  }

  Optional<PlanField> optional(String key) {
    JsonNode child = value.get(key);
    return child == null ? Optional.empty() : Optional.of(child(key, child));
  }

  PlanField required(String key) {
    return optional(key).orElseThrow(() -> child(key, value).error("is missing"));
  }

  List<PlanField> list() {
    if (!value.isArray()) {
      throw error("is " + shown() + "; a list is needed");
    }
    List<PlanField> fields = new ArrayList<>();
    for (int i = 0; i < value.size(); i++) {
      fields.add(at("[" + i + "]", value.get(i)));
    }
    return fields;
  }

  String text() {
    if (!value.isTextual()) {
      throw error("is " + shown() + "; a string is needed");
    }
    return value.textValue();
  }

  boolean truth() {
    if (!value.isBoolean()) {
      throw error("is " + shown() + "; true or false is needed");
    }
    return value.booleanValue();
  }

  /** A number that is finite as a float32. */
  float number() {
    if (!value.isNumber()) {
      throw error("is " + shown() + "; a number is needed");
    }
    float number = (float) value.doubleValue();
    if (!Float.isFinite(number)) {
      throw error("is " + value.asText() + "; a finite float32 number is needed");
    }
    return number;
  }

  long index(long limit) {
    if (!value.isIntegralNumber()) {
      throw error("is " + shown() + "; a whole number is needed");
    }
    if (!value.canConvertToLong() || value.longValue() < 0 || value.longValue() > limit) {
      throw error("is " + shown() + "; 0 to " + limit + " is possible");
    }
    return value.longValue();
  }

  <E extends Enum<E>> E oneOf(E[] choices) {
    String text = text();
    for (E choice : choices) {
      if (choice.toString().equals(text)) {
        return choice;
      }
    }
    throw error("is '" + text + "'; " + names(choices) + " is needed");
  }

  private static String names(Object[] choices) {
    List<String> names = Arrays.stream(choices).map(Object::toString).toList();
    int last = names.size() - 1;
    return String.join(", ", names.subList(0, last)) + " or " + names.get(last);
  }

  /** A list of at least one feature, none twice. */
  List<Integer> features() {
    List<PlanField> places = list();
    if (places.isEmpty()) {
      throw error("is empty; at least one feature is needed");
    }
    Set<Integer> seen = new HashSet<>();
    List<Integer> features = new ArrayList<>();
    for (PlanField place : places) {
      int feature = (int) place.index(Integer.MAX_VALUE);
      if (!seen.add(feature)) {
        throw place.error("repeats feature " + feature + "; each may stand once in a set");
      }
      features.add(feature);
    }
    return features;
  }

  /** A number, or {@code {"relative": r}}. */
  Strength strength() {
    if (!value.isObject()) {
      if (!value.isNumber()) {
        throw error("is " + shown() + "; a number or {\"relative\": r} is needed");
      }
      return Strength.raw(number());
    }
    return Strength.relative(object("a strength", "relative").required("relative").number());
  }
}
