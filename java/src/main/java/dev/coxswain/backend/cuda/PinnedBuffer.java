package dev.coxswain.backend.cuda;

import jcuda.CudaException;
import jcuda.driver.JCudaDriver;

/**
 * Page-locked host memory, the only kind that asynchronous copies may touch. The device's context
 * must be current for every call.
 */
final class PinnedBuffer {
  private final Addresses.Host pointer = new Addresses.Host();
  private final CudaDevice device;
  private final long bytes;

  PinnedBuffer(CudaDevice device, long bytes) {
    this.device = device;
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

  /** A lost device's memory is left to it. */
  void free() {
    try {
      JCudaDriver.cuMemFreeHost(pointer);
    } catch (CudaException e) {
      device.report("free host memory", e);
    }
  }
}
