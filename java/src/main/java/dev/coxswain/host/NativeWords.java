package dev.coxswain.host;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * The arguments of a call from native code: 64-bit words, valid while the call lasts. Word 0 is the
 * address of the error buffer; a text takes two words, its address and its bytes of UTF-8.
 *
 * @param address of the first word
 */
record NativeWords(long address) {
  /** By coxswain.h's cox_dtype. */
  private static final DType[] DTYPES = {DType.F32, DType.F16, DType.BF16};

  static long errorBuffer(long words) {
    return HostMemory.getLong(words);
  }

  static DType dtype(long number) {
    return DTYPES[(int) number];
  }

  long get(int index) {
    return HostMemory.getLong(address + 8L * index);
  }

  void set(int index, long value) {
    HostMemory.putLong(address + 8L * index, value);
  }

  int getInt(int index) {
    return Math.toIntExact(get(index));
  }

  /**
   * The text at words {@code index} and {@code index + 1}.
   *
   * @param name what an error calls it
   */
  String text(int index, String name) {
    byte[] bytes = new byte[getInt(index + 1)];
    HostMemory.copy(get(index), bytes, 0, bytes.length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new InvalidDataException(name + " is not valid UTF-8", e);
    }
  }

  /** The file name at words {@code index} and {@code index + 1}. */
  Path path(int index, String name) {
    String text = text(index, name);
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new UsageException(
          name
              + " cannot be a file name here: "
              + e.getMessage()
              + "; set LC_ALL=C.UTF-8 before the JVM starts if it is not ASCII");
    }
  }
}
