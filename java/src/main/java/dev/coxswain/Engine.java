package dev.coxswain;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Device;
import dev.coxswain.backend.DeviceProbe;
import dev.coxswain.backend.DeviceStatus;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.backend.cuda.CudaBackend;
import dev.coxswain.error.DeviceException;
import dev.coxswain.error.UsageException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.LoggerFactory;

/**
 * A device made ready: the one place that knows which backends exist. Owns its backend; thread-safe
 * as that is.
 */
public final class Engine implements AutoCloseable {
  private static final AtomicBoolean AUTO_REPORTED = new AtomicBoolean();

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
    return new Engine(
        switch (device.kind()) {
          case CPU -> CpuBackend.open(threads);
          case CUDA -> cuda(device);
          case AUTO -> firstUsable(threads);
        });
  }

  private static Backend cuda(Device device) {
    try {
      return CudaBackend.open(device.ordinal());
    } catch (DeviceException e) {
      throw new DeviceException(device + " is not usable: " + e.getMessage(), e);
    }
  }

  /** The first CUDA device, or the CPU and why. */
  private static Backend firstUsable(int threads) {
    try {
      CudaBackend cuda = CudaBackend.openIfInstalled();
      report("using {}", cuda.name());
      return cuda;
    } catch (DeviceException e) {
      report("using the CPU: {}", e.getMessage());
      return CpuBackend.open(threads);
    }
  }

  private static void report(String text, String value) {
    if (!AUTO_REPORTED.getAndSet(true)) {
      LoggerFactory.getLogger(Engine.class).info(text, value);
    }
  }

  /**
   * What can compute here.
   *
   * @param threads for work on the CPU
   */
  public static List<DeviceStatus> devices(int threads) {
    return List.of(cpu(threads), CudaBackend.status());
  }

  private static DeviceStatus cpu(int threads) {
    try (CpuBackend backend = CpuBackend.open(threads)) {
      Map<String, Object> details = new TreeMap<>();
      details.put("instruction_set", backend.instructionSet());
      details.put("threads", threads);
      return new DeviceStatus(Device.Kind.CPU, Optional.empty(), details);
    } catch (DeviceException e) {
      return new DeviceStatus(Device.Kind.CPU, Optional.of(e.getMessage()), Map.of());
    }
  }

  public Backend backend() {
    return backend;
  }

  /** The CUDA device's own account of itself; empty on the CPU. Valid until this is closed. */
  public Optional<DeviceProbe> probe() {
    return backend instanceof CudaBackend cuda ? Optional.of(cuda.probe()) : Optional.empty();
  }

  @Override
  public void close() {
    backend.close();
  }
}
