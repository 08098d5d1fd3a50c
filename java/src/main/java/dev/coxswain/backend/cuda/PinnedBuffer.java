package dev.coxswain.backend.cuda;

import jcuda.CudaException;
import jcuda.driver.JCudaDriver;

/**
 * Page-locked host memory, the only kind that asynchronous copies may touch. The device's context
 * must be current for every call.
 */
final class PinnedBuffer {
  private final Addresses.Host pointer = new Addresses.Host();
  private final long bytes;

  PinnedBuffer(CudaDevice device, long bytes) {
    this.bytes = bytes;
    try {
      JCudaDriver.cuMemAllocHost(pointer, bytes);
    } catch (CudaException e) {
      throw device.failure("lock " + bytes + " bytes of host memory", e);
    }
  }

  long address() {
    return pointer.address();
  }

  Addresses.Host pointer() {
    return pointer;
  }

  long bytes() {
    return bytes;
  }

  void free() {
    JCudaDriver.cuMemFreeHost(pointer);
  }
}
