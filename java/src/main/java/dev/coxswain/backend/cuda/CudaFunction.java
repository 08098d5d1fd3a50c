package dev.coxswain.backend.cuda;

import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;

import jcuda.CudaException;
import jcuda.driver.CUfunction;
import jcuda.driver.JCudaDriver;

/** A kernel of a loaded module; lives as long as its device. Thread-safe. */
final class CudaFunction {
  private final CudaDevice device;
  private final String name;
  private final CUfunction function;

  /** Dynamic shared memory asked for; without asking, 48 KiB less the kernel's static part. */
  private volatile int sharedBytes;

  CudaFunction(CudaDevice device, String name, CUfunction function) {
    this.device = device;
    this.name = name;
    this.function = function;
  }

  CudaDevice device() {
    return device;
  }

  String name() {
    return name;
  }

  CUfunction handle() {
    return function;
  }

  /** Lets blocks have so much dynamic shared memory; the device's context must be current. */
  void allowShared(int bytes) {
    if (bytes > sharedBytes) {
      raiseShared(bytes);
    }
  }

  private synchronized void raiseShared(int bytes) {
    if (bytes <= sharedBytes) {
      return;
    }
    try {
      JCudaDriver.cuFuncSetAttribute(
          function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes);
    } catch (CudaException e) {
      throw device.failure("give " + name + " " + bytes + " bytes of shared memory", e);
    }
    sharedBytes = bytes;
  }
}
