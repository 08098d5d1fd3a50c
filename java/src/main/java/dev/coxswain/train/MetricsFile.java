package dev.coxswain.train;

import dev.coxswain.error.FileException;
import dev.coxswain.io.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A run's figures as JSON lines, each on the disk's queue at once: a log that grows in place. */
final class MetricsFile implements AutoCloseable {
  private final Path path;
  private final FileChannel channel;

  /**
   * @param keptBytes of an interrupted run's file that belong to its checkpoint (what came after is
   *     cut off); 0 begins anew
   */
  MetricsFile(Path path, long keptBytes) {
    this.path = path;
    try {
      channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw FileException.of("cannot write", path, e);
    }
    try {
      channel.truncate(keptBytes).position(channel.size());
    } catch (IOException e) {
      close();
      throw FileException.of("cannot write", path, e);
    }
  }

  void append(TrainFigures figures) {
    try {
      String line = Json.mapper().writeValueAsString(figures) + "\n";
      ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw FileException.of("cannot write", path, e);
    }
  }

  /** Puts everything on the disk; returns its length. */
  long force() {
    try {
      channel.force(false);
      return channel.size();
    } catch (IOException e) {
      throw FileException.of("cannot write", path, e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw FileException.of("cannot write", path, e);
    }
  }
}
