package dev.coxswain.backend.cpu;

import dev.coxswain.backend.NativeFolder;
import dev.coxswain.error.DeviceException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.lwjgl.system.Configuration;
import org.lwjgl.system.Library;

/**
 * Loads libcoxswain.so once a process, and says why where that fails. Thread-safe.
 *
 * <p>The library and LWJGL's own are unpacked into a {@link NativeFolder}, since LWJGL's shared one
 * crashes JVMs that start cold together.
 */
final class NativeLibrary {
  /** Absolute path of a libcoxswain.so to use as it is, such as one a C++ host has loaded. */
  static final String PATH_PROPERTY = "coxswain.library";

  private static final String NAME = "libcoxswain.so";
  private static final String LWJGL_NAME = "liblwjgl.so";
  private static final String LWJGL_RESOURCE = "linux/x64/org/lwjgl/" + LWJGL_NAME;

  private static boolean loaded;

  private NativeLibrary() {}

  /**
   * @throws DeviceException where the library is missing, does not load, or speaks another
   *     interface
   */
  static synchronized void load() {
    if (!loaded) {
      String path = System.getProperty(PATH_PROPERTY, "");
      if (path.isEmpty()) {
        path = unpackAndLoad();
      } else {
        loadFile(path);
      }
      requireInterface(path);
      loaded = true;
    }
  }

  private static void loadFile(String path) {
    try {
      System.load(path);
    } catch (UnsatisfiedLinkError e) {
      throw unusable(path, e);
    }
  }

  private static String unpackAndLoad() {
    requirePlatform();
    Path folder = unpack();
    String path = folder.resolve(NAME).toString();
    NativeFolder.withFolderOfItsOwn(
        folder.resolve(LWJGL_NAME),
        own -> {
          Configuration.SHARED_LIBRARY_EXTRACT_PATH.set(own.toString());
          try {
            Library.loadSystem(System::load, System::loadLibrary, Native.class, "coxswain", path);
          } catch (LinkageError e) {
            throw unusable(path, e);
          }
        });
    return path;
  }

  private static void requirePlatform() {
    String platform = System.getProperty("os.name") + " " + System.getProperty("os.arch");
    if (!platform.equals("Linux amd64")) {
      throw new DeviceException("the CPU backend runs on Linux amd64; this is " + platform);
    }
  }

  private static void requireInterface(String path) {
    int version;
    try {
      version = Native.interfaceVersion();
    } catch (UnsatisfiedLinkError e) {
      throw unusable(path, e);
    }
    if (version != Native.INTERFACE) {
      throw new DeviceException(
          path
              + " speaks interface "
              + version
              + ", this version needs "
              + Native.INTERFACE
              + ": build it again with native/build.sh release");
    }
  }

  private static DeviceException unusable(String path, LinkageError e) {
    String reason = String.valueOf(e.getMessage()).replace('\n', ' ');
    return new DeviceException("cannot load " + path + ": " + reason, e);
  }

  /** The folder that holds both libraries, complete. */
  private static Path unpack() {
    byte[] sum = NativeFolder.resource(NAME + ".sha256");
    String hash = new String(sum, StandardCharsets.US_ASCII).strip();
    byte[] library = NativeFolder.resource(NAME);
    if (!hash.equals(NativeFolder.sha256(library))) {
      throw new DeviceException(
          NAME + " does not match its content hash: build it again with native/build.sh release");
    }
    return NativeFolder.unpack(
        hash, Map.of(NAME, library, LWJGL_NAME, NativeFolder.resource(LWJGL_RESOURCE)));
  }
}
