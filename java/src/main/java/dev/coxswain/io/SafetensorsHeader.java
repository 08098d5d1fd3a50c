package dev.coxswain.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.Shape;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The parsed header of a safetensors file. Takes what the reference reader takes (strict JSON,
 * depth at most 127), less what formats.md adds: leading white space, duplicate names, control
 * characters in names, entries written as arrays.
 */
final class SafetensorsHeader {
  /** The reference's recursion limit, the object of the header itself counted. */
  private static final int MAX_DEPTH = 127;

  private static final BigInteger MAX_LONG = BigInteger.valueOf(Long.MAX_VALUE);

  private static final JsonFactory FACTORY =
      new JsonFactoryBuilder()
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNameLength(Integer.MAX_VALUE)
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNumberLength(Integer.MAX_VALUE)
                  .build())
          .build();

  private final Map<String, TensorEntry> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final List<String> warnings = new ArrayList<>();
  private boolean metadataSeen;

  private SafetensorsHeader() {}

  /**
   * @param json the header's characters, strictly decoded
   * @throws InvalidDataException whose text names the defect, not yet the file
   */
  static SafetensorsHeader parse(String json) {
    if (json.isEmpty()) {
      throw new InvalidDataException("the header is empty; a JSON object is needed");
    }
    if (json.charAt(0) != '{') {
      throw new InvalidDataException("the header must begin with '{'");
    }
    SafetensorsHeader header = new SafetensorsHeader();
    try (JsonParser parser = FACTORY.createParser(json)) {
      header.readTop(parser);
    } catch (JsonProcessingException e) {
      throw new InvalidDataException("the header is not valid JSON: " + Json.reason(e), e);
    } catch (IOException e) {
      throw new InvalidDataException("the header is not valid JSON: " + e.getMessage(), e);
    }
    return header;
  }

  /** In the order of their data; those of equal place in the order of the header. */
  List<TensorEntry> inDataOrder() {
    List<TensorEntry> sorted = new ArrayList<>(tensors.values());
    sorted.sort(Comparator.comparingLong(TensorEntry::begin).thenComparingLong(TensorEntry::end));
    return sorted;
  }

  Map<String, String> metadata() {
    return metadata;
  }

  List<String> warnings() {
    return warnings;
  }

  private void readTop(JsonParser parser) throws IOException {
    parser.nextToken();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      parser.nextToken();
      if (name.equals("__metadata__")) {
        readMetadata(parser);
      } else {
        requireName(name);
        if (tensors.put(name, readEntry(parser, name)) != null) {
          throw new InvalidDataException("tensor '" + name + "' stands twice in the header");
        }
      }
    }
    if (parser.nextToken() != null) {
      throw new InvalidDataException("the header goes on after its JSON object");
    }
  }

  private void readMetadata(JsonParser parser) throws IOException {
    if (metadataSeen) {
      throw new InvalidDataException("__metadata__ stands twice in the header");
    }
    metadataSeen = true;
    if (parser.currentToken() == JsonToken.VALUE_NULL) {
      return;
    }
    requireToken(parser, JsonToken.START_OBJECT, "__metadata__", "an object of strings");
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String key = requireText(parser.currentName(), "a key of __metadata__");
      parser.nextToken();
      requireToken(parser, JsonToken.VALUE_STRING, "__metadata__." + key, "a string");
      String value = requireText(parser.getText(), "__metadata__." + key);
      if (metadata.put(key, value) != null) {
        throw new InvalidDataException("__metadata__." + key + " stands twice in the header");
      }
    }
  }

  private TensorEntry readEntry(JsonParser parser, String name) throws IOException {
    String where = "tensor '" + name + "'";
    requireToken(parser, JsonToken.START_OBJECT, where, "an object");
    DType dtype = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String key = requireText(parser.currentName(), where);
      parser.nextToken();
      switch (key) {
        case "dtype" -> dtype = once(dtype, readDType(parser, where), where, key);
        case "shape" -> shape = once(shape, readIntegers(parser, where, key), where, key);
        case "data_offsets" ->
            offsets = once(offsets, readIntegers(parser, where, key), where, key);
        default -> {
          warnings.add(where + " has the unknown key '" + key + "', which is ignored");
          skipValue(parser, where);
        }
      }
    }
    return entry(name, dtype, shape, offsets);
  }

  private static TensorEntry entry(String name, DType dtype, List<Long> shape, List<Long> offsets) {
    String where = "tensor '" + name + "'";
    requirePresent(dtype, where, "dtype");
    requirePresent(shape, where, "shape");
    requirePresent(offsets, where, "data_offsets");
    if (offsets.size() != 2) {
      throw new InvalidDataException(
          where + ": data_offsets has " + offsets.size() + " numbers; 2 are needed");
    }
    try {
      long[] extents = shape.stream().mapToLong(Long::longValue).toArray();
      return new TensorEntry(name, dtype, Shape.of(extents), offsets.get(0), offsets.get(1));
    } catch (ArithmeticException e) {
      throw new InvalidDataException(
          where + ": shape " + shape + " has more than 2^63-1 elements", e);
    }
  }

  private static void requirePresent(Object value, String where, String key) {
    if (value == null) {
      throw new InvalidDataException(where + " has no " + key);
    }
  }

  private static <T> T once(T before, T value, String where, String key) {
    if (before != null) {
      throw new InvalidDataException(where + ": " + key + " stands twice");
    }
    return value;
  }

  private static DType readDType(JsonParser parser, String where) throws IOException {
    requireToken(parser, JsonToken.VALUE_STRING, where + ": dtype", "a string");
    String text = parser.getText();
    for (DType dtype : DType.values()) {
      if (dtype.name().equals(text)) {
        return dtype;
      }
    }
    throw new InvalidDataException(where + ": unknown dtype '" + Json.shorten(text) + "'");
  }

  private static List<Long> readIntegers(JsonParser parser, String where, String key)
      throws IOException {
    String place = where + ": " + key;
    requireToken(parser, JsonToken.START_ARRAY, place, "an array");
    List<Long> numbers = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      requireToken(parser, JsonToken.VALUE_NUMBER_INT, place, "an array of integers");
      String text = parser.getText();
      // "-0" is an integer token, but a float to the reference.
      if (text.charAt(0) == '-'
          || new BigInteger(checkedLength(text, place)).compareTo(MAX_LONG) > 0) {
        throw new InvalidDataException(
            place + " holds " + Json.shorten(text) + "; 0 to 2^63-1 is possible");
      }
      numbers.add(Long.parseLong(text));
    }
    return numbers;
  }

  /** Digits that fit 2^64: a longer number is out of range, and costly to parse. */
  private static String checkedLength(String digits, String place) {
    if (digits.length() > 20) {
      throw new InvalidDataException(
          place + " holds " + Json.shorten(digits) + "; 0 to 2^63-1 is possible");
    }
    return digits;
  }

  /** Walks over a value of any kind, with the same strictness as what is used. */
  private static void skipValue(JsonParser parser, String where) throws IOException {
    int depth = 0;
    do {
      JsonToken token = parser.currentToken();
      if (token == null) {
        return;
      } else if (token.isStructStart()) {
        depth++;
      } else if (token.isStructEnd()) {
        depth--;
      } else if (token == JsonToken.FIELD_NAME || token == JsonToken.VALUE_STRING) {
        requireText(parser.getText(), where);
      }
      if (depth > 0) {
        parser.nextToken();
      }
    } while (depth > 0);
  }

  private static void requireToken(JsonParser parser, JsonToken wanted, String where, String what) {
    if (parser.currentToken() != wanted) {
      throw new InvalidDataException(where + " must be " + what);
    }
  }

  /** A name that the writer may write and the reader reads. */
  static void requireName(String name) {
    requireText(name, "a tensor's name");
    int control = 0;
    while (control < name.length() && !Character.isISOControl(name.charAt(control))) {
      control++;
    }
    if (control < name.length()) {
      throw new InvalidDataException(
          String.format(
              "the name of a tensor holds the control character U+%04X",
              (int) name.charAt(control)));
    }
  }

  static String requireText(String text, String where) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        throw new InvalidDataException(where + " holds half of a surrogate pair");
      }
    }
    return text;
  }
}
