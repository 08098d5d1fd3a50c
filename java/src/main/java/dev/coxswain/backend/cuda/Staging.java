package dev.coxswain.backend.cuda;

import dev.coxswain.tensor.HostMemory;
import jcuda.CudaException;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.JCudaDriver;

/**
 * Copies between pageable host memory and a device through two page-locked chunks, so that the
 * host's half of the work runs beside the device's. Part of a lane; sizes are 64-bit.
 */
final class Staging {
  private static final long CHUNK_BYTES = 4 << 20;

  private final CudaDevice device;
  private final CudaStream stream;
  private final PinnedBuffer[] chunks = new PinnedBuffer[2];
  private final CUevent[] copied = new CUevent[2];

  Staging(CudaDevice device, CudaStream stream) {
    this.device = device;
    this.stream = stream;
  }

  /** Returns when the device's memory holds the bytes. */
  void toDevice(long host, long target, long bytes) {
    try {
      int chunk = 0;
      for (long at = 0; at < bytes; at += CHUNK_BYTES, chunk ^= 1) {
        long part = Math.min(CHUNK_BYTES, bytes - at);
        PinnedBuffer pinned = chunk(chunk);
        if (at >= 2 * CHUNK_BYTES) {
          JCudaDriver.cuEventSynchronize(copied[chunk]);
        }
        HostMemory.copy(host + at, pinned.address(), part);
        JCudaDriver.cuMemcpyHtoDAsync(
            new Addresses.Device(target + at), pinned.pointer(), part, stream.handle());
        JCudaDriver.cuEventRecord(copied[chunk], stream.handle());
      }
      stream.synchronize();
    } catch (CudaException e) {
      throw device.failure("copy " + bytes + " bytes from the host", e);
    }
  }

  /** Returns when the host's memory holds the bytes, as they are after the stream's work so far. */
  void toHost(long source, long host, long bytes) {
    try {
      long drained = 0;
      int chunk = 0;
      for (long at = 0; at < bytes; at += CHUNK_BYTES, chunk ^= 1) {
        long part = Math.min(CHUNK_BYTES, bytes - at);
        JCudaDriver.cuMemcpyDtoHAsync(
            chunk(chunk).pointer(), new Addresses.Device(source + at), part, stream.handle());
        JCudaDriver.cuEventRecord(copied[chunk], stream.handle());
        if (at > 0) {
          drained = drain(chunk ^ 1, host, drained, bytes);
        }
      }
      drain(chunk ^ 1, host, drained, bytes);
    } catch (CudaException e) {
      throw device.failure("copy " + bytes + " bytes to the host", e);
    }
  }

  private long drain(int chunk, long host, long from, long bytes) {
    long part = Math.min(CHUNK_BYTES, bytes - from);
    if (part > 0) {
      JCudaDriver.cuEventSynchronize(copied[chunk]);
      HostMemory.copy(chunks[chunk].address(), host + from, part);
    }
    return from + part;
  }

  /** Made at first use: it takes the system long to lock memory. */
  private PinnedBuffer chunk(int index) {
    if (chunks[index] == null) {
      CUevent event = new CUevent();
      JCudaDriver.cuEventCreate(event, CUevent_flags.CU_EVENT_DISABLE_TIMING);
      copied[index] = event;
      chunks[index] = new PinnedBuffer(device, CHUNK_BYTES);
    }
    return chunks[index];
  }

  void free() {
    for (int i = 0; i < chunks.length; i++) {
      if (chunks[i] != null) {
        chunks[i].free();
        JCudaDriver.cuEventDestroy(copied[i]);
      }
    }
  }
}
