package dev.coxswain.backend.cpu;

import dev.coxswain.error.DeviceException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import org.lwjgl.system.Configuration;
import org.lwjgl.system.Library;

/**
 * Loads libcoxswain.so once a process, and says why where that fails. Thread-safe.
 *
 * <p>The library and LWJGL's own are unpacked into a folder of this user whose name holds the
 * library's content hash; each file is renamed into place whole. So JVMs that start cold together
 * never see a half-written file (LWJGL's shared folder crashes them), and a library of another
 * build can never be picked up.
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
    Configuration.SHARED_LIBRARY_EXTRACT_PATH.set(folder.toString());
    try {
      Library.loadSystem(System::load, System::loadLibrary, Native.class, "coxswain", path);
    } catch (LinkageError e) {
      throw unusable(path, e);
    }
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
    String hash = new String(resource(NAME + ".sha256"), StandardCharsets.US_ASCII).strip();
    byte[] library = resource(NAME);
    if (!hash.equals(sha256(library))) {
      throw new DeviceException(
          NAME + " does not match its content hash: build it again with native/build.sh release");
    }
    IOException failure = null;
    for (Path base : bases()) {
      Path folder = base.resolve(hash.substring(0, 16));
      try {
        Files.createDirectories(folder);
        place(folder.resolve(NAME), library);
        place(folder.resolve(LWJGL_NAME), resource(LWJGL_RESOURCE));
        return folder;
      } catch (IOException e) {
        failure = e;
      }
    }
    throw new DeviceException("cannot unpack " + NAME + ": " + failure, failure);
  }

  /** Folders of this user alone: the cache, else one below the temporary folder. */
  private static Path[] bases() {
    String home = System.getProperty("user.home", "");
    String cache = System.getenv().getOrDefault("XDG_CACHE_HOME", home + "/.cache");
    String user = "coxswain-" + System.getProperty("user.name", "unknown");
    return new Path[] {
      Path.of(cache, "coxswain", "native"), Path.of(System.getProperty("java.io.tmpdir"), user)
    };
  }

  /** Leaves a file with that content where it is; else renames a whole new one into its place. */
  private static void place(Path file, byte[] content) throws IOException {
    if (Files.exists(file) && Arrays.equals(Files.readAllBytes(file), content)) {
      return;
    }
    Path whole = Files.createTempFile(file.getParent(), ".new", ".so");
    try {
      Files.write(whole, content);
      Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(whole);
    }
  }

  private static byte[] resource(String name) {
    try (InputStream in = NativeLibrary.class.getClassLoader().getResourceAsStream(name)) {
      if (in == null) {
        throw new DeviceException(
            name + " is not on the class path: build it with native/build.sh release");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new DeviceException("cannot read " + name + " from the class path: " + e, e);
    }
  }

  private static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
