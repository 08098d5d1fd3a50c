package dev.coxswain.backend;

import dev.coxswain.error.DeviceException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Where native libraries are unpacked: folders of this user whose name holds a content hash, each
 * file renamed into place whole. So JVMs that start cold together never map a half-written file
 * (the shared folders of LWJGL and JCuda crash them), and a library of another build can never be
 * picked up. Thread-safe.
 */
public final class NativeFolder {
  private static final String TEMPORARY = "java.io.tmpdir";

  private NativeFolder() {}

  /**
   * The folder that holds those files, complete.
   *
   * @param hash of their content, in hexadecimal
   * @throws DeviceException where no folder can be written to
   */
  public static Path unpack(String hash, Map<String, byte[]> files) {
    IOException failure = null;
    for (Path base : bases()) {
      Path folder = base.resolve(hash.substring(0, 16));
      try {
        Files.createDirectories(folder);
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
          place(folder.resolve(file.getKey()), file.getValue());
        }
        return folder;
      } catch (IOException e) {
        failure = e;
      }
    }
    throw new DeviceException("cannot unpack " + files.keySet() + ": " + failure, failure);
  }

  /** Folders of this user alone: the cache, else one below the temporary folder. */
  private static Path[] bases() {
    String home = System.getProperty("user.home", "");
    String cache = System.getenv().getOrDefault("XDG_CACHE_HOME", home + "/.cache");
    String user = "coxswain-" + System.getProperty("user.name", "unknown");
    return new Path[] {
      Path.of(cache, "coxswain", "native"), Path.of(System.getProperty(TEMPORARY), user)
    };
  }

  /** Puts a whole file there, unless there is one with that content already. */
  private static void place(Path file, byte[] content) throws IOException {
    if (holds(file, content)) {
      return;
    }
    Path whole = Files.createTempFile(file.getParent(), ".new", ".so");
    try {
      Files.write(whole, content);
      if (!linked(file, whole) && !holds(file, content)) {
        Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
      }
    } finally {
      Files.deleteIfExists(whole);
    }
  }

  private static boolean holds(Path file, byte[] content) throws IOException {
    return Files.exists(file) && Arrays.equals(Files.readAllBytes(file), content);
  }

  /** False where there is a file of that name, or none can have two names here. */
  private static boolean linked(Path file, Path whole) {
    try {
      Files.createLink(file, whole);
      return true;
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
  }

  /**
   * Has {@code load} find a file in a folder of this process alone, which is gone when this returns
   * (what is loaded stays): LWJGL writes and removes a test file beside its library, and turns to
   * its shared folder where another process removed it first.
   */
  public static void withFolderOfItsOwn(Path file, Consumer<Path> load) {
    try {
      Path folder = Files.createTempDirectory(file.getParent(), "process");
      Path own = folder.resolve(file.getFileName());
      try {
        if (!linked(own, file)) {
          Files.copy(file, own);
        }
        load.accept(folder);
      } finally {
        Files.deleteIfExists(own);
        Files.deleteIfExists(folder);
      }
    } catch (IOException e) {
      throw new DeviceException("cannot unpack " + file + ": " + e, e);
    }
  }

  /**
   * Loads a library through a binding that looks for its file on {@code java.library.path}, as a
   * bundle has it, then in the temporary folder and unpacks it there itself, where it would be
   * half-written for other processes: it finds a whole one instead.
   *
   * @param file name the binding looks for
   * @param resource the library on the class path
   * @param load makes the binding load it
   */
  public static void load(String file, String resource, Runnable load) {
    if (isOnLibraryPath(file)) {
      load.run();
      return;
    }
    byte[] library = resource(resource);
    Path folder = unpack(sha256(library), Map.of(file, library));
    synchronized (NativeFolder.class) {
      String before = System.setProperty(TEMPORARY, folder.toString());
      try {
        load.run();
      } finally {
        System.setProperty(TEMPORARY, before);
      }
    }
  }

  private static boolean isOnLibraryPath(String file) {
    return Arrays.stream(System.getProperty("java.library.path", "").split(":"))
        .anyMatch(folder -> !folder.isEmpty() && Files.exists(Path.of(folder, file)));
  }

  /**
   * @throws DeviceException where the class path has no such file
   */
  public static byte[] resource(String name) {
    try (InputStream in = NativeFolder.class.getClassLoader().getResourceAsStream(name)) {
      if (in == null) {
        throw new DeviceException(
            name + " is not on the class path: build it with native/build.sh release");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new DeviceException("cannot read " + name + " from the class path: " + e, e);
    }
  }

  public static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
