package dev.coxswain.io;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.Shape;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The start of a NumPy .npy file.
 *
 * @param dtype F16, F32 or F64, little-endian
 * @param shape as NumPy gives it
 * @param columnMajor whether the data is stored in Fortran order
 * @param length bytes before the data
 */
record NpyHeader(DType dtype, Shape shape, boolean columnMajor, long length) {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final int MAX_LENGTH = 1 << 16;
  private static final Map<String, DType> TYPES =
      Map.of("<f2", DType.F16, "<f4", DType.F32, "<f8", DType.F64);

  private static final Pattern ITEM =
      Pattern.compile("\\s*'(\\w+)'\\s*:\\s*('[^']*'|True|False|\\([0-9, ]*\\))\\s*(,|$)\\s*");

  /**
   * @throws InvalidDataException whose text names the defect, not yet the file
   */
  static NpyHeader read(InputStream input) throws IOException {
    byte[] start = read(input, 8);
    for (int i = 0; i < MAGIC.length; i++) {
      if (start[i] != MAGIC[i]) {
        throw new InvalidDataException("is not in NumPy's .npy format");
      }
    }
    int version = start[6];
    if (version < 1 || version > 3) {
      throw new InvalidDataException("has .npy version " + version + "; 1 to 3 are known");
    }
    byte[] size = read(input, version == 1 ? 2 : 4);
    long length = 0;
    for (int i = size.length - 1; i >= 0; i--) {
      length = length << 8 | size[i] & 0xff;
    }
    if (length > MAX_LENGTH) {
      throw new InvalidDataException("has a .npy header of " + length + " bytes");
    }
    String text = new String(read(input, (int) length), StandardCharsets.ISO_8859_1).strip();
    return parse(text, start.length + size.length + length);
  }

  private static byte[] read(InputStream input, int bytes) throws IOException {
    byte[] read = input.readNBytes(bytes);
    if (read.length < bytes) {
      throw new EOFException("a .npy header is cut short");
    }
    return read;
  }

  private static NpyHeader parse(String text, long length) {
    Map<String, String> items = items(text);
    DType dtype = TYPES.get(items.get("descr").replace("'", ""));
    if (dtype == null) {
      throw new InvalidDataException(
          "has elements of type " + items.get("descr") + "; '<f2', '<f4' or '<f8' is needed");
    }
    String order = items.get("fortran_order");
    if (!order.equals("True") && !order.equals("False")) {
      throw new InvalidDataException("has fortran_order " + order + "; True or False is needed");
    }
    return new NpyHeader(dtype, shape(items.get("shape")), order.equals("True"), length);
  }

  private static Map<String, String> items(String text) {
    Map<String, String> items = new HashMap<>();
    if (text.length() >= 2 && text.startsWith("{") && text.endsWith("}")) {
      String inside = text.substring(1, text.length() - 1).strip();
      Matcher item = ITEM.matcher(inside);
      int at = 0;
      while (at < inside.length() && item.region(at, inside.length()).lookingAt()) {
        if (items.put(item.group(1), item.group(2)) != null) {
          break;
        }
        at = item.end();
      }
      if (at == inside.length()
          && items.keySet().equals(java.util.Set.of("descr", "fortran_order", "shape"))) {
        return items;
      }
    }
    throw new InvalidDataException("has a .npy header that is no such: " + Json.shorten(text));
  }

  private static Shape shape(String tuple) {
    String inside = tuple.replaceAll("[() ]", "").replaceAll(",$", "");
    try {
      if (!tuple.startsWith("(")) {
        throw new NumberFormatException();
      }
      if (inside.isEmpty()) {
        return Shape.of();
      }
      String[] parts = inside.split(",", -1);
      long[] extents = new long[parts.length];
      for (int i = 0; i < parts.length; i++) {
        extents[i] = Long.parseLong(parts[i]);
      }
      return Shape.of(extents);
    } catch (NumberFormatException | ArithmeticException e) {
      throw new InvalidDataException("has the shape " + Json.shorten(tuple), e);
    }
  }
}
