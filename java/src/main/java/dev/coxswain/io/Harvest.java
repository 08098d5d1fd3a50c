package dev.coxswain.io;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A folder of harvested hidden states: shards {@code NNNNN.safetensors} with {@code x} [n, d],
 * {@code token} I32 [n], {@code position} I32 [n], {@code document} I64 [n], and {@code
 * harvest.json}. Reads are thread-safe and take no more memory than they return.
 */
public final class Harvest implements AutoCloseable {
  private static final long NORM_BLOCK_BYTES = 16 << 20;

  private record Shard(SafetensorsFile file, long firstRow, long rows) {}

  private final Path folder;
  private final HarvestInfo info;
  private final List<Shard> shards;
  private final RowSource rowSource;

  private Harvest(Path folder, HarvestInfo info, List<Shard> shards, RowSource rowSource) {
    this.folder = folder;
    this.info = info;
    this.shards = shards;
    this.rowSource = rowSource;
  }

  /**
   * @throws InvalidDataException where the shards contradict one another or {@code harvest.json}
   */
  public static Harvest open(Path folder) {
    HarvestInfo info = HarvestInfo.read(folder.resolve("harvest.json"));
    List<Shard> shards = new ArrayList<>();
    try {
      RowSource rowSource = RowSource.open(List.of(folder.toString()));
      try {
        openShards(folder, shards);
        requireAgreement(folder, info, rowSource);
        return new Harvest(folder, info, List.copyOf(shards), rowSource);
      } catch (RuntimeException e) {
        rowSource.close();
        throw e;
      }
    } catch (RuntimeException e) {
      shards.forEach(shard -> shard.file().close());
      throw e;
    }
  }

  /** The shards' files, in order; {@code 00000} to the last without a gap. */
  static List<Path> shards(Path folder) {
    List<Path> found =
        RowSource.list(folder).stream()
            .filter(path -> path.getFileName().toString().matches("\\d{5,}\\.safetensors"))
            .toList();
    if (found.isEmpty()) {
      throw new InvalidDataException(
          folder + " is no harvest: it holds no shard (00000.safetensors, …)");
    }
    for (int i = 0; i < found.size(); i++) {
      if (!found.get(i).getFileName().toString().equals(shardName(i))) {
        throw new InvalidDataException(folder + " has no shard " + shardName(i));
      }
    }
    return found;
  }

  static String shardName(int index) {
    return String.format("%05d.safetensors", index);
  }

  private static void openShards(Path folder, List<Shard> shards) {
    long row = 0;
    for (Path path : shards(folder)) {
      SafetensorsFile file = SafetensorsFile.open(path);
      long rows = file.entry("x").shape().extent(0);
      shards.add(new Shard(file, row, rows));
      requireColumn(file, "token", DType.I32, rows);
      requireColumn(file, "position", DType.I32, rows);
      requireColumn(file, "document", DType.I64, rows);
      row += rows;
    }
  }

  private static void requireColumn(SafetensorsFile file, String name, DType dtype, long rows) {
    TensorEntry entry = file.entry(name);
    if (entry.dtype() != dtype || !entry.shape().is(rows)) {
      throw new InvalidDataException(
          file.path() + ": " + name + " is " + entry + "; " + dtype + " [" + rows + "] is needed");
    }
  }

  private static void requireAgreement(Path folder, HarvestInfo info, RowSource rows) {
    if (rows.rows() != info.rows() || rows.width() != info.width()) {
      throw new InvalidDataException(
          String.format(
              "%s: harvest.json says %d rows of %d elements, the shards hold %d of %d",
              folder, info.rows(), info.width(), rows.rows(), rows.width()));
    }
  }

  public Path folder() {
    return folder;
  }

  public HarvestInfo info() {
    return info;
  }

  public long rows() {
    return rowSource.rows();
  }

  /** d. */
  public int width() {
    return rowSource.width();
  }

  /** The rows x; closed with the harvest. */
  public RowSource rowSource() {
    return rowSource;
  }

  /** The tokenizer's pieces, by token id. */
  public List<String> pieces() {
    return info.pieces();
  }

  public String modelSha256() {
    return info.modelSha256();
  }

  /** The block (0-based) whose output the rows are. */
  public int layer() {
    return info.layer();
  }

  /** Median ‖x‖ over finite rows that are not BOS. */
  public double medianNorm() {
    return info.medianNorm();
  }

  /** Mean ‖x‖ over finite rows that are not BOS. */
  public double meanNorm() {
    return info.meanNorm();
  }

  /** Token ids of rows {@code from} (inclusive) to {@code to} (exclusive). */
  public int[] tokens(long from, long to) {
    return ints("token", from, to);
  }

  /** Positions within the document's piece, 0 being BOS. */
  public int[] positions(long from, long to) {
    return ints("position", from, to);
  }

  private int[] ints(String name, long from, long to) {
    try (HostTensor column = column(name, DType.I32, from, to)) {
      return column.toInts();
    }
  }

  public long[] documents(long from, long to) {
    try (HostTensor column = column("document", DType.I64, from, to)) {
      long[] documents = new long[Math.toIntExact(to - from)];
      for (int i = 0; i < documents.length; i++) {
        documents[i] = HostMemory.getLong(column.view().address() + 8L * i);
      }
      return documents;
    }
  }

  private HostTensor column(String name, DType dtype, long from, long to) {
    if (from < 0 || to < from || to > rows()) {
      throw new IndexOutOfBoundsException("rows " + from + " to " + to + " of " + rows());
    }
    HostTensor column = HostTensor.allocate(dtype, to - from);
    try {
      for (Shard shard : shards) {
        long first = Math.max(from, shard.firstRow());
        long end = Math.min(to, shard.firstRow() + shard.rows());
        if (first < end) {
          TensorView part = column.view().rows(first - from, end - from);
          shard.file().readRows(name, first - shard.firstRow(), end - shard.firstRow(), part);
        }
      }
      return column;
    } catch (RuntimeException e) {
      column.close();
      throw e;
    }
  }

  /**
   * True for the rows that training and explanation leave out: BOS (position 0), massive (norm over
   * 5 × the median) and not finite.
   */
  public boolean[] skip(long from, long to) {
    int[] positions = positions(from, to);
    boolean[] skip = new boolean[positions.length];
    int block = (int) Math.max(1, NORM_BLOCK_BYTES / (4L * width()));
    try (HostTensor buffer =
        HostTensor.allocate(DType.F32, Math.min(block, skip.length), width())) {
      for (int done = 0; done < skip.length; done += block) {
        int count = Math.min(block, skip.length - done);
        TensorView rows = buffer.view().rows(0, count);
        rowSource.readFloats(from + done, from + done + count, rows);
        for (int i = 0; i < count; i++) {
          double norm = norm(rows.address() + 4L * width() * i, width());
          skip[done + i] = HarvestInfo.isLeftOut(positions[done + i], norm, medianNorm());
        }
      }
    }
    return skip;
  }

  /** Euclidean norm of a float32 row, accumulated in double. */
  static double norm(long address, int width) {
    double sum = 0;
    for (long e = 0; e < width; e++) {
      double value = HostMemory.getFloat(address + 4 * e);
      sum += value * value;
    }
    return Math.sqrt(sum);
  }

  @Override
  public void close() {
    rowSource.close();
    shards.forEach(shard -> shard.file().close());
  }
}
