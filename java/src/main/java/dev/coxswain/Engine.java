package dev.coxswain;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Device;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.error.DeviceException;
import dev.coxswain.error.UsageException;

/**
 * A device made ready: the one place that knows which backends exist. Owns its backend; thread-safe
 * as that is.
 */
public final class Engine implements AutoCloseable {
  private final Backend backend;

  private Engine(Backend backend) {
    this.backend = backend;
  }

  /** With as many threads as the machine has processors. */
  public static Engine open(Device device) {
    return open(device, Runtime.getRuntime().availableProcessors());
  }

  /**
   * @param threads for work on the CPU
   * @throws DeviceException where the device cannot be used, with the reason
   * @throws UsageException where {@code threads} is out of range
   */
  public static Engine open(Device device, int threads) {
    if (threads < 1 || threads > CpuBackend.MAX_THREADS) {
      throw new UsageException(
          "threads = " + threads + " is not between 1 and " + CpuBackend.MAX_THREADS);
    }
    if (device.kind() == Device.Kind.CUDA) {
      throw new DeviceException(device + " is not usable: this version has no CUDA backend");
    }
    return new Engine(CpuBackend.open(threads));
  }

  public Backend backend() {
    return backend;
  }

  @Override
  public void close() {
    backend.close();
  }
}
