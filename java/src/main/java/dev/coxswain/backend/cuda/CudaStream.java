package dev.coxswain.backend.cuda;

import jcuda.CudaException;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/**
 * Work on a device that runs in order: one of ours, or a host's, which is used as it is and never
 * waited for. The device's context must be current for every call.
 */
final class CudaStream {
  private final CudaDevice device;
  private final CUstream handle;
  private final boolean owned;

  private CudaStream(CudaDevice device, CUstream handle, boolean owned) {
    this.device = device;
    this.handle = handle;
    this.owned = owned;
  }

  /** A new one, which does not wait for the default stream; {@link #free} ends it. */
  static CudaStream create(CudaDevice device) {
    CUstream handle = new CUstream();
    try {
      JCudaDriver.cuStreamCreate(handle, CUstream_flags.CU_STREAM_NON_BLOCKING);
    } catch (CudaException e) {
      throw device.failure("make a stream", e);
    }
    return new CudaStream(device, handle, true);
  }

  /**
   * A host's.
   *
   * @param handle its {@code cudaStream_t} or {@code CUstream}; 0 is the default stream
   */
  static CudaStream ofHost(CudaDevice device, long handle) {
    return new CudaStream(device, Addresses.stream(handle), false);
  }

  CUstream handle() {
    return handle;
  }

  /** Returns when all its work is done. */
  void synchronize() {
    if (!owned) {
      throw new IllegalStateException("a host's stream is never waited for");
    }
    try {
      JCudaDriver.cuStreamSynchronize(handle);
    } catch (CudaException e) {
      throw device.failure("finish its work", e);
    }
  }

  void free() {
    if (owned) {
      JCudaDriver.cuStreamDestroy(handle);
    }
  }
}
