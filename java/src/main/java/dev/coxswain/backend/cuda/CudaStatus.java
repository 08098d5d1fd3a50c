package dev.coxswain.backend.cuda;

import dev.coxswain.backend.Device;
import dev.coxswain.backend.DeviceStatus;
import dev.coxswain.backend.cuda.blas.Blas;
import dev.coxswain.error.DeviceException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What {@code cox devices} says of CUDA: the driver, and each device by trying to use it. */
final class CudaStatus {
  private CudaStatus() {}

  static DeviceStatus get() {
    CudaDriver driver;
    try {
      driver = CudaDriver.get();
    } catch (DeviceException e) {
      return new DeviceStatus(Device.Kind.CUDA, Optional.of(e.getMessage()), Map.of());
    }
    List<Map<String, Object>> devices = new ArrayList<>();
    Optional<String> unusable = Optional.empty();
    boolean anyUsable = false;
    for (int ordinal = 0; ordinal < driver.devices(); ordinal++) {
      Map<String, Object> device = new LinkedHashMap<>();
      device.put("device", "cuda:" + ordinal);
      Optional<String> reason = describe(driver, ordinal, device);
      device.put("usable", reason.isEmpty());
      reason.ifPresent(text -> device.put("reason", text));
      anyUsable |= reason.isEmpty();
      unusable = unusable.or(() -> reason);
      devices.add(device);
    }
    Map<String, Object> details = new LinkedHashMap<>();
    details.put("driver_version", CudaDriver.text(driver.version()));
    details.put("cublas", Blas.unusable().orElse("usable"));
    details.put("devices", devices);
    return new DeviceStatus(Device.Kind.CUDA, anyUsable ? Optional.empty() : unusable, details);
  }

  /** Fills in what is known; says why the device is not usable. */
  private static Optional<String> describe(
      CudaDriver driver, int ordinal, Map<String, Object> known) {
    try (CudaDevice device = CudaDevice.open(driver, ordinal)) {
      DeviceTraits traits = device.traits();
      known.put("name", traits.name());
      known.put("compute_capability", traits.computeCapability());
      known.put("multiprocessors", traits.multiprocessors());
      known.put("memory_bytes", traits.memoryBytes());
      try (CudaLane lane = device.lane()) {
        known.put("free_memory_bytes", lane.device().memory()[0]);
      }
      CudaModule.requireKernels();
      return Optional.empty();
    } catch (DeviceException e) {
      return Optional.of(e.getMessage());
    }
  }
}
