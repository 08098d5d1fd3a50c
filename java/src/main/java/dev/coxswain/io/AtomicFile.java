package dev.coxswain.io;

import dev.coxswain.error.FileException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A file that is written whole or not at all: a sibling temporary file, fsync, rename. Until {@link
 * #commit()} the old file of that name stays as it is; {@link #close()} without commit leaves
 * nothing behind, and neither does an interrupted program.
 *
 * <p>Single-threaded.
 */
public final class AtomicFile implements AutoCloseable {
  private static final Set<Path> UNFINISHED = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(AtomicFile::dropUnfinished));
  }

  private final Path path;
  private final Path temporary;
  private final FileChannel channel;
  private final OutputStream output;
  private boolean finished;

  private AtomicFile(Path path, Path temporary, FileChannel channel) {
    this.path = path;
    this.temporary = temporary;
    this.channel = channel;
    this.output = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
  }

  /**
   * @throws FileException where the folder is missing or not writable
   */
  public static AtomicFile create(Path path) {
    Path folder = folderOf(path);
    if (path.getFileName() == null || Files.isDirectory(path)) {
      throw new FileException("cannot write " + path + ": it is a folder", null);
    }
    String suffix = Long.toHexString(ThreadLocalRandom.current().nextLong() | Long.MIN_VALUE);
    Path temporary = folder.resolve("." + path.getFileName() + "." + suffix + ".tmp");
    UNFINISHED.add(temporary);
    try {
      // Not Files.createTempFile, whose mode is 0600 whatever the umask.
      FileChannel channel =
          FileChannel.open(
              temporary,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
      return new AtomicFile(path, temporary, channel);
    } catch (IOException e) {
      UNFINISHED.remove(temporary);
      throw FileException.of("cannot write", path, withoutTemporaryName(folder, path, e));
    }
  }

  private static IOException withoutTemporaryName(Path folder, Path path, IOException e) {
    if (e instanceof NoSuchFileException && !Files.isDirectory(folder)) {
      return new IOException("there is no folder " + folder, e);
    }
    if (e.getClass() == FileSystemException.class) {
      return new IOException(((FileSystemException) e).getReason(), e);
    }
    return e instanceof FileAlreadyExistsException ? new IOException("busy", e) : e;
  }

  /**
   * Removes what writers of {@code path} that were killed left behind. Only for who knows that
   * nobody else is writing it.
   */
  public static void removeAbandoned(Path path) {
    String start = "." + path.getFileName() + ".";
    for (Path sibling : RowSource.list(folderOf(path))) {
      String name = sibling.getFileName().toString();
      if (name.startsWith(start) && name.endsWith(".tmp")) {
        remove(sibling);
      }
    }
  }

  private static void remove(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw FileException.of("cannot remove", path, e);
    }
  }

  /** Writes a text as UTF-8. */
  public static void writeString(Path path, String text) {
    try (AtomicFile file = create(path)) {
      file.output().write(text.getBytes(StandardCharsets.UTF_8));
      file.commit();
    } catch (IOException e) {
      throw FileException.of("cannot write", path, e);
    }
  }

  /** Where it will be. */
  public Path path() {
    return path;
  }

  /** Buffered; flushed by {@link #commit()}. */
  public OutputStream output() {
    return output;
  }

  /** The temporary file, for writes at a position; don't mix with {@link #output()}. */
  FileChannel channel() {
    return channel;
  }

  /** Makes the file appear under its name, on the disk. */
  public void commit() {
    try {
      output.flush();
      channel.force(true);
      channel.close();
      Files.move(
          temporary, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      finished = true;
      UNFINISHED.remove(temporary);
      syncFolder();
    } catch (IOException e) {
      throw FileException.of("cannot write", path, e);
    }
  }

  /** The rename itself must reach the disk too. */
  private void syncFolder() throws IOException {
    try (FileChannel folder = FileChannel.open(folderOf(path), StandardOpenOption.READ)) {
      folder.force(true);
    }
  }

  private static Path folderOf(Path path) {
    Path folder = path.toAbsolutePath().getParent();
    return folder == null ? path.toAbsolutePath() : folder;
  }

  /** Drops what was written unless it was committed. Idempotent. */
  @Override
  public void close() {
    if (finished) {
      return;
    }
    finished = true;
    try {
      channel.close();
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      throw FileException.of("cannot remove", temporary, e);
    } finally {
      UNFINISHED.remove(temporary);
    }
  }

  private static void dropUnfinished() {
    for (Path temporary : UNFINISHED) {
      try {
        Files.deleteIfExists(temporary);
      } catch (IOException e) {
        System.err.println("cannot remove " + temporary + ": " + e.getMessage());
      }
    }
  }
}
