package dev.coxswain.tensor;

import java.lang.reflect.Field;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import sun.misc.Unsafe;

/**
 * Raw host memory by address. Nothing here is checked: callers hold an owner's view and stay inside
 * it. Thread-safe as plain memory is: the caller orders accesses.
 *
 * <p>This is the only class that touches {@code sun.misc.Unsafe}. JDK 17 has no final API for
 * off-heap memory beyond 2 GiB, and an inference host hands us bare addresses.
 */
public final class HostMemory {
  private static final Unsafe UNSAFE = unsafe();
  private static final Class<?> DIRECT_BUFFER = ByteBuffer.allocateDirect(0).getClass();
  private static final long BUFFER_ADDRESS = bufferField("address");
  private static final long BUFFER_CAPACITY = bufferField("capacity");

  private HostMemory() {}

  private static Unsafe unsafe() {
    try {
      Field field = Unsafe.class.getDeclaredField("theUnsafe");
      field.setAccessible(true);
      return (Unsafe) field.get(null);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private static long bufferField(String name) {
    try {
      return UNSAFE.objectFieldOffset(Buffer.class.getDeclaredField(name));
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /**
   * A direct buffer over memory that somebody else owns, for channels to read into and write from
   * without a copy. It must not outlive that memory.
   */
  public static ByteBuffer buffer(long address, int bytes) {
    try {
      ByteBuffer buffer = (ByteBuffer) UNSAFE.allocateInstance(DIRECT_BUFFER);
      UNSAFE.putLong(buffer, BUFFER_ADDRESS, address);
      UNSAFE.putInt(buffer, BUFFER_CAPACITY, bytes);
      buffer.clear();
      return buffer;
    } catch (InstantiationException e) {
      throw new IllegalStateException("no direct byte buffers in this JVM", e);
    }
  }

  static long allocate(long bytes) {
    return UNSAFE.allocateMemory(bytes);
  }

  static void free(long address) {
    UNSAFE.freeMemory(address);
  }

  public static void fill(long address, long bytes, byte value) {
    UNSAFE.setMemory(address, bytes, value);
  }

  public static void copy(long source, long target, long bytes) {
    UNSAFE.copyMemory(source, target, bytes);
  }

  public static void copy(long source, byte[] target, int offset, int bytes) {
    UNSAFE.copyMemory(null, source, target, Unsafe.ARRAY_BYTE_BASE_OFFSET + (long) offset, bytes);
  }

  public static void copy(byte[] source, int offset, long target, int bytes) {
    UNSAFE.copyMemory(source, Unsafe.ARRAY_BYTE_BASE_OFFSET + (long) offset, null, target, bytes);
  }

  public static void copy(long source, float[] target, int offset, int floats) {
    long start = Unsafe.ARRAY_FLOAT_BASE_OFFSET + 4L * offset;
    UNSAFE.copyMemory(null, source, target, start, 4L * floats);
  }

  public static void copy(float[] source, int offset, long target, int floats) {
    long start = Unsafe.ARRAY_FLOAT_BASE_OFFSET + 4L * offset;
    UNSAFE.copyMemory(source, start, null, target, 4L * floats);
  }

  public static byte getByte(long address) {
    return UNSAFE.getByte(address);
  }

  public static void putByte(long address, byte value) {
    UNSAFE.putByte(address, value);
  }

  public static short getShort(long address) {
    return UNSAFE.getShort(address);
  }

  public static void putShort(long address, short value) {
    UNSAFE.putShort(address, value);
  }

  public static int getInt(long address) {
    return UNSAFE.getInt(address);
  }

  public static void putInt(long address, int value) {
    UNSAFE.putInt(address, value);
  }

  public static long getLong(long address) {
    return UNSAFE.getLong(address);
  }

  public static void putLong(long address, long value) {
    UNSAFE.putLong(address, value);
  }

  public static float getFloat(long address) {
    return UNSAFE.getFloat(address);
  }

  public static void putFloat(long address, float value) {
    UNSAFE.putFloat(address, value);
  }

  public static double getDouble(long address) {
    return UNSAFE.getDouble(address);
  }

  public static void putDouble(long address, double value) {
    UNSAFE.putDouble(address, value);
  }
}
