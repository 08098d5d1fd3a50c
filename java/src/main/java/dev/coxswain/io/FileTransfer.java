package dev.coxswain.io;

import dev.coxswain.tensor.HostMemory;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** Bytes between a file and host memory, straight, at 64-bit positions. */
final class FileTransfer {
  /** One call's share: a buffer's size is an int, and a signal should not wait for gigabytes. */
  private static final int CHUNK = 64 << 20;

  private FileTransfer() {}

  /**
   * @throws EOFException where the file ends before, as it may when somebody truncates it
   */
  static void read(FileChannel channel, long position, long address, long bytes)
      throws IOException {
    long done = 0;
    while (done < bytes) {
      int want = (int) Math.min(CHUNK, bytes - done);
      ByteBuffer target = HostMemory.buffer(address + done, want);
      int got = channel.read(target, position + done);
      if (got < 0) {
        throw new EOFException("the file ends at byte " + channel.size() + " while it is read");
      }
      done += got;
    }
  }

  static void write(FileChannel channel, long position, long address, long bytes)
      throws IOException {
    long done = 0;
    while (done < bytes) {
      int want = (int) Math.min(CHUNK, bytes - done);
      done += channel.write(HostMemory.buffer(address + done, want), position + done);
    }
  }
}
