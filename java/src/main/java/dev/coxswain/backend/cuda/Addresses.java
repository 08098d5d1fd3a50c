package dev.coxswain.backend.cuda;

import java.lang.reflect.Field;
import jcuda.NativePointerObject;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUstream;

/**
 * Bare addresses as JCuda's objects and back. JCuda keeps them to itself: its constructors are for
 * subclasses, and a stream's handle has no setter.
 */
final class Addresses {
  private static final Field NATIVE_POINTER = nativePointer();

  private Addresses() {}

  private static Field nativePointer() {
    try {
      Field field = NativePointerObject.class.getDeclaredField("nativePointer");
      field.setAccessible(true);
      return field;
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Host memory. */
  static final class Host extends Pointer {
    /** To be filled by JCuda. */
    Host() {}

    Host(long address) {
      super(address);
    }

    long address() {
      return getNativePointer() + getByteOffset();
    }
  }

  /** Device memory. */
  static final class Device extends CUdeviceptr {
    private static final CUdeviceptr ZERO = new CUdeviceptr();

    /** To be filled by JCuda. */
    Device() {}

    Device(long address) {
      super(ZERO, address);
    }

    long address() {
      return getNativePointer() + getByteOffset();
    }
  }

  /** A stream that somebody else made; 0 is the default stream. */
  static CUstream stream(long handle) {
    CUstream stream = new CUstream();
    try {
      NATIVE_POINTER.setLong(stream, handle);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
    return stream;
  }
}
