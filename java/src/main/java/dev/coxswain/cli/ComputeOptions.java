package dev.coxswain.cli;

import dev.coxswain.Engine;
import dev.coxswain.backend.Device;
import dev.coxswain.error.UsageException;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Where to compute: a {@code @Mixin} of every command that computes. */
final class ComputeOptions {
  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "auto",
      converter = DeviceName.class,
      description = "auto, cpu, cuda or cuda:N (auto: CUDA where it is usable, else the CPU).")
  private Device device;

  @Option(
      names = "--threads",
      paramLabel = "N",
      converter = ThreadCount.class,
      description = "CPU threads (default: one a core).")
  private Integer threads;

  /**
   * The device asked for, ready; the caller closes it.
   *
   * @throws dev.coxswain.error.DeviceException where it cannot be used
   */
  Engine openEngine() {
    return Engine.open(device, threads());
  }

  Device device() {
    return device;
  }

  int threads() {
    return threads == null ? Runtime.getRuntime().availableProcessors() : threads;
  }

  private static final class DeviceName implements ITypeConverter<Device> {
    @Override
    public Device convert(String text) {
      try {
        return Device.parse(text);
      } catch (UsageException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  private static final class ThreadCount implements ITypeConverter<Integer> {
    private static final int MOST = 1024;

    @Override
    public Integer convert(String text) {
      if (!text.matches("\\d{1,4}")
          || Integer.parseInt(text) < 1
          || Integer.parseInt(text) > MOST) {
        throw new TypeConversionException(
            "'" + text + "' is not a number of threads from 1 to " + MOST);
      }
      return Integer.valueOf(text);
    }
  }
}
