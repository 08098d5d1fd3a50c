package dev.coxswain.demo;

import dev.coxswain.error.FileException;
import dev.coxswain.error.UsageException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.stream.Stream;

/** The demo's folder (docs/formats.md), locked against a second demo while open. */
final class DemoFolder implements AutoCloseable {
  private final Path root;
  private final FileChannel lockFile;

  private DemoFolder(Path root, FileChannel lockFile) {
    this.root = root;
    this.lockFile = lockFile;
  }

  /**
   * Makes the folder where it is missing.
   *
   * @throws UsageException where it holds other things, or another demo is writing it
   */
  static DemoFolder open(Path root, DemoOptions.Start start) {
    Path records = root.resolve(".steps");
    try {
      requireOurs(root, records);
      Files.createDirectories(records);
      FileChannel lockFile =
          FileChannel.open(
              records.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      DemoFolder folder = new DemoFolder(root, lockFile);
      if (!folder.lock()) {
        lockFile.close();
        throw new UsageException("another demo is writing " + root + "; give --out another folder");
      }
      if (start == DemoOptions.Start.FRESH) {
        folder.forget();
      }
      return folder;
    } catch (IOException e) {
      throw FileException.of("cannot write", root, e);
    }
  }

  private static void requireOurs(Path root, Path records) throws IOException {
    if (Files.exists(root) && !Files.isDirectory(root)) {
      throw new UsageException(root + " is a file; --out names a folder");
    }
    if (Files.isDirectory(root) && !Files.exists(records)) {
      try (Stream<Path> entries = Files.list(root)) {
        if (entries.findAny().isPresent()) {
          throw new UsageException(
              root + " holds other things; give --out a new folder or an earlier demo's");
        }
      }
    }
  }

  /** The system drops the lock with the process, however that ends. */
  private boolean lock() throws IOException {
    try {
      FileLock lock = lockFile.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }

  private void forget() throws IOException {
    try (Stream<Path> entries = Files.list(records())) {
      for (Path record : entries.filter(path -> path.toString().endsWith(".json")).toList()) {
        Files.delete(record);
      }
    }
  }

  Path root() {
    return root;
  }

  /** What the steps keep: {@link StepRunner}. */
  Path records() {
    return root.resolve(".steps");
  }

  Path harvest() {
    return root.resolve("harvest");
  }

  Path sae() {
    return root.resolve("sae");
  }

  /** Removes what an unfinished training left. */
  void clearSae() {
    if (!Files.isDirectory(sae())) {
      return;
    }
    try (Stream<Path> files = Files.walk(sae())) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw FileException.of("cannot remove", sae(), e);
    }
  }

  Path metrics() {
    return root.resolve("metrics.jsonl");
  }

  Path vocabulary() {
    return root.resolve("vocabulary.safetensors");
  }

  Path words() {
    return root.resolve("vocabulary.words.txt");
  }

  Path explanations() {
    return root.resolve("explanations.jsonl");
  }

  Path contexts() {
    return root.resolve("contexts.jsonl");
  }

  Path plan() {
    return root.resolve("plan.json");
  }

  Path generations() {
    return root.resolve("generations.jsonl");
  }

  Path summary() {
    return root.resolve("summary.json");
  }

  Path report() {
    return root.resolve("report.html");
  }

  @Override
  public void close() {
    try {
      lockFile.close();
    } catch (IOException e) {
      throw FileException.of("cannot close", records().resolve("lock"), e);
    }
  }
}
