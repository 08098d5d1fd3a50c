package dev.coxswain.train;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The usable rows, scaled, in an endless random order that covers each of them once an epoch.
 *
 * <p>An epoch cuts the rows into chunks of 256 consecutive ones and puts the chunks in random
 * order; as many chunks as make a window's rows are read together, and the window's usable rows
 * come out in random order. So rows far apart mix within a window, a read is never short, and
 * memory is two windows whatever the input's size: one in use, the next being read by a thread of
 * its own. Every order follows from the seed, the epoch and the window alone, so a stream opened at
 * a {@link Position} goes on exactly as the one that was there.
 */
final class RowStream implements AutoCloseable {
  static final int CHUNK_ROWS = 256;

  private static final long CHUNK_ORDER = 1;
  private static final long ROW_ORDER = 2;

  /**
   * The place of the next row.
   *
   * @param offset usable rows of the window already taken
   */
  record Position(long epoch, int window, int offset) {
    static final Position START = new Position(0, 0, 0);
  }

  /** A window's usable rows, compact, and the order they are taken in. */
  private static final class Window implements AutoCloseable {
    private final HostTensor rows;
    private long epoch;
    private int number;
    private int usable;
    private int[] order;

    Window(int capacity, int width) {
      rows = HostTensor.allocate(DType.F32, capacity, width);
    }

    @Override
    public void close() {
      rows.close();
    }
  }

  private final MarkedRows source;
  private final float scale;
  private final long seed;
  private final int width;
  private final int chunks;
  private final int windowChunks;
  private final int windows;
  private final RowBlock block;
  private final ExecutorService reader = Executors.newSingleThreadExecutor(RowStream::daemon);

  private Window current;
  private Window spare;
  private CompletableFuture<Void> reading = CompletableFuture.completedFuture(null);
  private int offset;

  // The reader thread's own.
  private long orderedEpoch = -1;
  private int[] chunkOrder;

  /**
   * @param windowRows rows shuffled as one, rounded up to whole chunks
   */
  RowStream(MarkedRows source, float scale, long seed, int windowRows, Position start) {
    this.source = source;
    this.scale = scale;
    this.seed = seed;
    this.width = source.width();
    this.chunks = Math.toIntExact((source.rows() + CHUNK_ROWS - 1) / CHUNK_ROWS);
    this.windowChunks = Math.min(chunks, (windowRows + CHUNK_ROWS - 1) / CHUNK_ROWS);
    this.windows = (chunks + windowChunks - 1) / windowChunks;
    this.block = new RowBlock(CHUNK_ROWS, width);
    this.current = new Window(windowChunks * CHUNK_ROWS, width);
    this.spare = new Window(windowChunks * CHUNK_ROWS, width);
    this.offset = start.offset();
    try {
      fill(current, start.epoch(), start.window());
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
    readAhead();
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work, "coxswain-rows");
    thread.setDaemon(true);
    return thread;
  }

  /** Bytes of the two windows of such a stream. */
  static long windowBytes(long rows, int width, int windowRows) {
    long held = Math.min(rows + CHUNK_ROWS - 1, windowRows + CHUNK_ROWS - 1L);
    return 2 * (held / CHUNK_ROWS * CHUNK_ROWS) * 4L * width;
  }

  Position position() {
    return new Position(current.epoch, current.number, offset);
  }

  /**
   * Fills {@code batch} with the next rows.
   *
   * @param batch host memory; F32 [n, d]
   * @throws InvalidDataException where a whole epoch has no usable row
   */
  void next(TensorView batch) {
    long rowBytes = 4L * width;
    for (long i = 0; i < batch.rows(); i++) {
      advanceToUsable();
      long row = current.rows.view().address() + current.order[offset++] * rowBytes;
      HostMemory.copy(row, batch.address() + i * rowBytes, rowBytes);
    }
  }

  private void advanceToUsable() {
    int empty = 0;
    while (offset == current.usable) {
      empty = current.usable == 0 ? empty + 1 : 0;
      if (empty > windows) {
        throw new InvalidDataException("no usable row in a whole epoch");
      }
      advance();
    }
  }

  private void advance() {
    try {
      reading.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
    Window used = current;
    current = spare;
    spare = used;
    offset = 0;
    readAhead();
  }

  private void readAhead() {
    boolean last = current.number + 1 == windows;
    long epoch = last ? current.epoch + 1 : current.epoch;
    int window = last ? 0 : current.number + 1;
    Window target = spare;
    reading = CompletableFuture.runAsync(() -> fill(target, epoch, window), reader);
  }

  private void fill(Window target, long epoch, int number) {
    if (orderedEpoch != epoch) {
      chunkOrder = SeededRandom.of(seed, CHUNK_ORDER, epoch).permutation(chunks);
      orderedEpoch = epoch;
    }
    target.epoch = epoch;
    target.number = number;
    target.usable = 0;
    int end = Math.min(chunks, (number + 1) * windowChunks);
    for (int i = number * windowChunks; i < end; i++) {
      long from = (long) chunkOrder[i] * CHUNK_ROWS;
      source.read(from, Math.min(source.rows(), from + CHUNK_ROWS), block);
      keepUsable(target);
    }
    target.order = SeededRandom.of(seed, ROW_ORDER, epoch, number).permutation(target.usable);
  }

  private void keepUsable(Window target) {
    float[] x = block.values();
    for (int i = 0; i < block.rows(); i++) {
      if (block.usable(i)) {
        int at = block.offset(i);
        for (int e = at; e < at + width; e++) {
          x[e] *= scale;
        }
        long row = target.rows.view().address() + 4L * width * target.usable++;
        HostMemory.copy(x, at, row, width);
      }
    }
  }

  @Override
  public void close() {
    reader.shutdown();
    reading.handle((done, failure) -> null).join();
    current.close();
    spare.close();
    block.close();
  }
}
