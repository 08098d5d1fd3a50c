package dev.coxswain.io;

import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The rows of one or more [n, d] tensors, one after the other, read block by block: what is asked
 * for and no more. Thread-safe.
 */
public final class RowSource implements AutoCloseable {
  private static final String DEFAULT_TENSOR = "x";

  /** One tensor and the number of its first row in the whole. */
  private record Part(SafetensorsFile file, TensorEntry entry, long firstRow) {
    long rows() {
      return entry.shape().extent(0);
    }
  }

  @FunctionalInterface
  private interface PartReader {
    void read(Part part, long from, long to, TensorView target);
  }

  private final List<Part> parts;
  private final long rows;

  private RowSource(List<Part> parts) {
    this.parts = List.copyOf(parts);
    this.rows = parts.stream().mapToLong(Part::rows).sum();
  }

  /**
   * @param specs each {@code file}, {@code file:tensor} (default {@code x}) or a harvest's folder
   * @throws InvalidDataException where a tensor is not F32, F16 or BF16 [n, d], or they differ in
   *     width or type
   */
  public static RowSource open(List<String> specs) {
    if (specs.isEmpty()) {
      throw new UsageException("no input rows: name at least one file or harvest folder");
    }
    List<Part> parts = new ArrayList<>();
    try {
      for (String spec : specs) {
        addSpec(parts, spec);
      }
      requireAlike(parts);
      return new RowSource(parts);
    } catch (RuntimeException e) {
      parts.forEach(part -> part.file().close());
      throw e;
    }
  }

  private static void addSpec(List<Part> parts, String spec) {
    Path path = Path.of(spec);
    if (Files.isDirectory(path)) {
      for (Path shard : Harvest.shards(path)) {
        addPart(parts, shard, DEFAULT_TENSOR);
      }
      return;
    }
    // The whole of it may be a file's name, colon and all.
    int colon = Files.exists(path) ? -1 : tensorColon(spec);
    if (colon < 0) {
      addPart(parts, path, DEFAULT_TENSOR);
    } else {
      addPart(parts, Path.of(spec.substring(0, colon)), spec.substring(colon + 1));
    }
  }

  /** The first colon before which there is a file. */
  private static int tensorColon(String spec) {
    int first = spec.indexOf(':');
    for (int colon = first; colon >= 0; colon = spec.indexOf(':', colon + 1)) {
      if (colon > 0 && Files.isRegularFile(Path.of(spec.substring(0, colon)))) {
        return colon;
      }
    }
    return first > 0 ? first : -1;
  }

  private static void addPart(List<Part> parts, Path path, String tensor) {
    SafetensorsFile file = SafetensorsFile.open(path);
    try {
      TensorEntry entry = file.entry(tensor);
      if (entry.shape().rank() != 2 || !entry.dtype().isHiddenState()) {
        throw new InvalidDataException(
            path + ": tensor '" + tensor + "' is " + entry + "; F32, F16 or BF16 [n, d] is needed");
      }
      Part last = parts.isEmpty() ? null : parts.get(parts.size() - 1);
      parts.add(new Part(file, entry, last == null ? 0 : last.firstRow() + last.rows()));
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static void requireAlike(List<Part> parts) {
    TensorEntry first = parts.get(0).entry();
    for (Part part : parts) {
      TensorEntry entry = part.entry();
      boolean sameWidth = entry.shape().extent(1) == first.shape().extent(1);
      if (!sameWidth || entry.dtype() != first.dtype()) {
        throw new InvalidDataException(
            part.file().path()
                + " holds "
                + entry
                + ", but "
                + parts.get(0).file().path()
                + " holds "
                + first
                + ": rows of one input have one width and type");
      }
    }
    if (first.shape().extent(1) < 1 || first.shape().extent(1) > Integer.MAX_VALUE) {
      throw new InvalidDataException(
          parts.get(0).file().path() + " holds " + first + "; rows have 1 to 2^31-1 elements");
    }
  }

  /** n over all files; may be 0. */
  public long rows() {
    return rows;
  }

  /** d. */
  public int width() {
    return (int) parts.get(0).entry().shape().extent(1);
  }

  /**
   * @param reader what takes the rows, as "the SAE"
   * @throws InvalidDataException where the rows are not of {@code needed} elements
   */
  public void requireWidth(String reader, int needed) {
    if (width() != needed) {
      Part first = parts.get(0);
      throw new InvalidDataException(
          String.format(
              "%s: tensor '%s' has rows of %d elements; %s takes %d",
              first.file().path(), first.entry().name(), width(), reader, needed));
    }
  }

  /** As stored: F32, F16 or BF16. */
  public DType dtype() {
    return parts.get(0).entry().dtype();
  }

  /**
   * Rows {@code from} (inclusive) to {@code to} (exclusive), as stored.
   *
   * @param target host memory of {@link #dtype()}; [to − from, d]
   */
  public void read(long from, long to, TensorView target) {
    target.require("target", dtype(), to - from, width());
    eachPart(
        from,
        to,
        target,
        (part, first, end, view) -> part.file().readRows(part.entry().name(), first, end, view));
  }

  /**
   * As {@link #read}, converted to F32.
   *
   * @param target host memory; F32 [to − from, d]
   */
  public void readFloats(long from, long to, TensorView target) {
    target.require("target", DType.F32, to - from, width());
    eachPart(
        from,
        to,
        target,
        (part, first, end, view) ->
            part.file().readRowsAsFloats(part.entry().name(), first, end, view));
  }

  private void eachPart(long from, long to, TensorView target, PartReader reader) {
    if (from < 0 || to < from || to > rows) {
      throw new IndexOutOfBoundsException("rows " + from + " to " + to + " of " + rows);
    }
    long row = from;
    for (int index = partOf(from); row < to; index++) {
      Part part = parts.get(index);
      long end = Math.min(to, part.firstRow() + part.rows());
      if (end > row) {
        TensorView view = target.rows(row - from, end - from);
        reader.read(part, row - part.firstRow(), end - part.firstRow(), view);
        row = end;
      }
    }
  }

  /** The part that holds a row. */
  private int partOf(long row) {
    long[] firstRows = parts.stream().mapToLong(Part::firstRow).toArray();
    int found = Arrays.binarySearch(firstRows, row);
    return found >= 0 ? found : -found - 2;
  }

  /** Closes every file. */
  @Override
  public void close() {
    parts.forEach(part -> part.file().close());
  }

  static List<Path> list(Path folder) {
    try (var files = Files.list(folder)) {
      return files.sorted().toList();
    } catch (IOException e) {
      throw FileException.of("cannot read", folder, e);
    }
  }
}
