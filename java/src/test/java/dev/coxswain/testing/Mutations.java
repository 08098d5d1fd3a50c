package dev.coxswain.testing;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Damage to a file's bytes, of the kinds that find careless readers. */
public final class Mutations {
  private static final String[] TOKENS = {
    "0",
    "-0",
    "-1",
    "1.0",
    "1e2",
    "12.5",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "1e999",
    "NaN",
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "\"x\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"F64\"",
    "\"BOOL\"",
    "\"topk\"",
    "\"gated\"",
    "{\"a\":",
    "[[[[",
    ",",
    ":",
    "}",
    "'<f8'",
    "True",
    "(3,)",
  };

  private static final long[] NUMBERS = {
    0, 1, 7, 8, -1, Long.MAX_VALUE, Long.MIN_VALUE, 100_000_000, 100_000_001, 1L << 31, 1L << 32
  };

  private final SplittableRandom random;

  public Mutations(long seed) {
    random = new SplittableRandom(seed);
  }

  /** One to four changes of a copy. */
  public byte[] of(byte[] original) {
    byte[] bytes = original.clone();
    for (int change = random.nextInt(1, 5); change > 0; change--) {
      bytes = once(bytes);
    }
    return bytes;
  }

  private byte[] once(byte[] bytes) {
    if (bytes.length == 0) {
      return new byte[] {(byte) random.nextInt(256)};
    }
    int at = place(bytes);
    int length = Math.min(bytes.length - at, 1 << random.nextInt(8));
    return switch (random.nextInt(10)) {
      case 0 -> flipBit(bytes, at);
      case 1 -> splice(bytes, at, 1, new byte[] {(byte) random.nextInt(256)});
      case 2 -> splice(bytes, at, length, new byte[0]);
      case 3 -> splice(bytes, at, 0, Arrays.copyOfRange(bytes, at, at + length));
      case 4 -> Arrays.copyOf(bytes, at);
      case 5 -> overwriteLong(bytes, random.nextBoolean() ? 0 : at);
      case 6 -> splice(bytes, at, 0, token());
      case 7, 8 -> replaceNumber(bytes, at);
      default -> replaceWord(bytes, at);
    };
  }

  /** Mostly near the start, where headers are, or near the end, where a zip has its directory. */
  private int place(byte[] bytes) {
    int near = Math.min(bytes.length, 600);
    return switch (random.nextInt(4)) {
      case 0, 1 -> random.nextInt(near);
      case 2 -> bytes.length - 1 - random.nextInt(near);
      default -> random.nextInt(bytes.length);
    };
  }

  private byte[] token() {
    return TOKENS[random.nextInt(TOKENS.length)].getBytes(StandardCharsets.UTF_8);
  }

  private byte[] flipBit(byte[] bytes, int at) {
    bytes[at] ^= (byte) (1 << random.nextInt(8));
    return bytes;
  }

  private byte[] overwriteLong(byte[] bytes, int at) {
    long value = NUMBERS[random.nextInt(NUMBERS.length)];
    for (int i = 0; i < 8 && at + i < bytes.length; i++) {
      bytes[at + i] = (byte) (value >>> 8 * i);
    }
    return bytes;
  }

  private byte[] replaceNumber(byte[] bytes, int from) {
    int start = from;
    while (start < bytes.length && !Character.isDigit(bytes[start])) {
      start++;
    }
    int end = start;
    while (end < bytes.length && Character.isDigit(bytes[end])) {
      end++;
    }
    return splice(bytes, start, end - start, token());
  }

  /** A quoted word, quotes and all. */
  private byte[] replaceWord(byte[] bytes, int from) {
    int start = from;
    while (start < bytes.length && bytes[start] != '"') {
      start++;
    }
    int end = start + 1;
    while (end < bytes.length && bytes[end] != '"') {
      end++;
    }
    return start >= bytes.length
        ? bytes
        : splice(bytes, start, Math.min(end + 1, bytes.length) - start, token());
  }

  private static byte[] splice(byte[] bytes, int at, int removed, byte[] inserted) {
    ByteArrayOutputStream result = new ByteArrayOutputStream(bytes.length + inserted.length);
    result.write(bytes, 0, at);
    result.writeBytes(inserted);
    result.write(bytes, at + removed, bytes.length - at - removed);
    return result.toByteArray();
  }
}
