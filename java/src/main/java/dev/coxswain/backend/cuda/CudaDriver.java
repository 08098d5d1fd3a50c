package dev.coxswain.backend.cuda;

import dev.coxswain.backend.NativeFolder;
import dev.coxswain.error.DeviceException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import jcuda.CudaException;
import jcuda.driver.JCudaDriver;

/**
 * The CUDA driver of this process, loaded once, or the one line that says why there is none. The
 * only place that switches JCuda's exceptions on: every code but success is then thrown.
 * Thread-safe.
 */
final class CudaDriver {
  /** CUDA 11.8, whose PTX version our modules are labelled with. */
  static final int OLDEST = 11_080;

  private static final String LIBRARY = "libcuda.so.1";

  /** The reason on a machine without CUDA. */
  static final String NOT_INSTALLED =
      "there is no CUDA driver: " + LIBRARY + " is not on this machine";

  private static final String JCUDA = "libJCudaDriver-12.6.0-linux-x86_64.so";

  private static Optional<CudaDriver> loaded = Optional.empty();
  private static Optional<String> unusable = Optional.empty();

  private final int version;
  private final int devices;

  private CudaDriver(int version, int devices) {
    this.version = version;
    this.devices = devices;
  }

  /**
   * @throws DeviceException where CUDA cannot be used on this machine, with the reason; the same
   *     one for the rest of the process, since a library that failed to load stays away
   */
  static synchronized CudaDriver get() {
    if (loaded.isEmpty() && unusable.isEmpty()) {
      try {
        loaded = Optional.of(load());
      } catch (DeviceException e) {
        unusable = Optional.of(e.getMessage());
        throw e;
      }
    }
    return loaded.orElseThrow(() -> new DeviceException(unusable.orElseThrow()));
  }

  private static CudaDriver load() {
    String platform = System.getProperty("os.name") + " " + System.getProperty("os.arch");
    if (!platform.equals("Linux amd64")) {
      throw new DeviceException("the CUDA backend runs on Linux amd64; this is " + platform);
    }
    try {
      NativeFolder.load(JCUDA, "lib/" + JCUDA, () -> JCudaDriver.setExceptionsEnabled(true));
    } catch (LinkageError e) {
      throw new DeviceException(linkReason(e), e);
    }
    try {
      int[] value = new int[1];
      JCudaDriver.cuDriverGetVersion(value);
      requireVersion(value[0]);
      int version = value[0];
      JCudaDriver.cuInit(0);
      JCudaDriver.cuDeviceGetCount(value);
      if (value[0] == 0) {
        throw new DeviceException("the CUDA driver sees no device");
      }
      return new CudaDriver(version, value[0]);
    } catch (CudaException e) {
      throw new DeviceException(
          CudaErrors.name(e).equals(CudaErrors.NO_DEVICE)
              ? "the CUDA driver sees no device"
              : "the CUDA driver does not start: " + CudaErrors.describe(e),
          e);
    }
  }

  private static void requireVersion(int version) {
    if (version < OLDEST) {
      throw new DeviceException(
          "the driver is for CUDA " + text(version) + "; " + text(OLDEST) + " or newer is needed");
    }
  }

  /** JCuda's text holds two stack traces; the dynamic linker's own line is in it. */
  private static String linkReason(LinkageError e) {
    String text = String.valueOf(e.getMessage());
    if (text.contains(LIBRARY + ": cannot open shared object file")) {
      return NOT_INSTALLED;
    }
    String line =
        text.lines()
            .filter(candidate -> candidate.contains("UnsatisfiedLinkError"))
            .reduce((first, last) -> last)
            .orElseGet(() -> text.lines().findFirst().orElse(""));
    return "JCuda does not load: " + line.strip();
  }

  /**
   * Whether {@link #get} is worth its tens of milliseconds: false on a machine that has no driver
   * where the dynamic linker looks, and none in this process.
   */
  static boolean isInstalled() {
    String path = System.getenv().getOrDefault("LD_LIBRARY_PATH", "");
    Stream<String> folders =
        Stream.concat(
            path.isEmpty() ? Stream.empty() : Stream.of(path.split("[:;]")),
            Stream.of("/lib64", "/usr/lib64", "/lib", "/usr/lib"));
    return folders.anyMatch(folder -> Files.exists(Path.of(folder, LIBRARY)))
        || mentions(Path.of("/etc/ld.so.cache"))
        || mentions(Path.of("/proc/self/maps"));
  }

  private static boolean mentions(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1).contains(LIBRARY);
    } catch (IOException e) {
      return false;
    }
  }

  /** As in 12060 for CUDA 12.6: the newest version whose programs this driver runs. */
  int version() {
    return version;
  }

  /** How many devices there are. */
  int devices() {
    return devices;
  }

  /** As in {@code 12.6}. */
  static String text(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }
}
