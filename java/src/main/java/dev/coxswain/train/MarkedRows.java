package dev.coxswain.train;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.Harvest;
import dev.coxswain.io.RowSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Hidden states from any number of files and harvests as one run of rows, and which of them may be
 * used. A harvest knows its BOS rows, its massive rows (norm over 5 × its median) and its
 * documents; of plain rows only a non-finite one is known to be unusable, and a massive one once a
 * limit is set by {@link #withMassiveLimit}. Never reads more than asked. Immutable; reads are
 * thread-safe.
 */
public final class MarkedRows implements AutoCloseable {
  /** Documents to use. */
  public enum Side {
    ALL,
    /** Those not held out. */
    TRAINING,
    HELD_OUT
  }

  /** A norm beyond this multiple of the median marks a massive activation (math.md). */
  static final double MASSIVE = 5;

  private static final int FINGERPRINT_ROWS = 64;

  private record Part(long begin, RowSource source, Optional<Harvest> harvest) {
    long end() {
      return begin + source.rows();
    }

    void close() {
      if (harvest.isPresent()) {
        harvest.get().close();
      } else {
        source.close();
      }
    }
  }

  private final List<Part> parts;
  private final int width;
  private final HoldOut holdOut;
  private final Side side;
  private final double plainLimit;

  private MarkedRows(List<Part> parts, int width, HoldOut holdOut, Side side, double plainLimit) {
    this.parts = parts;
    this.width = width;
    this.holdOut = holdOut;
    this.side = side;
    this.plainLimit = plainLimit;
  }

  /**
   * @param specs harvest folders, and files as {@code file.safetensors} or {@code file:tensor}
   * @throws InvalidDataException where widths differ, or harvests of different models or layers
   *     meet
   * @throws UsageException where documents are to be held out and a spec knows none
   */
  public static MarkedRows open(List<String> specs, HoldOut holdOut, Side side) {
    List<Part> parts = new ArrayList<>();
    try {
      long begin = 0;
      for (String spec : specs) {
        Part part = open(spec, begin);
        parts.add(part);
        begin = part.end();
      }
      requireOneKind(specs, parts, side != Side.ALL && holdOut.any());
      int width = parts.get(0).source().width();
      return new MarkedRows(List.copyOf(parts), width, holdOut, side, Double.POSITIVE_INFINITY);
    } catch (RuntimeException e) {
      parts.forEach(Part::close);
      throw e;
    }
  }

  private static Part open(String spec, long begin) {
    Path path = Path.of(spec);
    if (Files.isDirectory(path)) {
      Harvest harvest = Harvest.open(path);
      return new Part(begin, harvest.rowSource(), Optional.of(harvest));
    }
    return new Part(begin, RowSource.open(List.of(spec)), Optional.empty());
  }

  private static void requireOneKind(List<String> specs, List<Part> parts, boolean documents) {
    if (parts.isEmpty()) {
      throw new UsageException("no input given");
    }
    for (int i = 0; i < parts.size(); i++) {
      int width = parts.get(i).source().width();
      int first = parts.get(0).source().width();
      if (width != first) {
        throw new InvalidDataException(
            specs.get(i) + " has rows of width " + width + ", " + specs.get(0) + " of " + first);
      }
      if (documents && parts.get(i).harvest().isEmpty()) {
        throw new UsageException(
            specs.get(i) + " knows no documents to hold out: a harvest folder does");
      }
    }
    requireOneModel(parts.stream().flatMap(part -> part.harvest().stream()).toList());
  }

  private static void requireOneModel(List<Harvest> harvests) {
    for (Harvest other : harvests) {
      Harvest first = harvests.get(0);
      if (other.layer() != first.layer() || !other.modelSha256().equals(first.modelSha256())) {
        throw new InvalidDataException(
            "harvests of different models or layers cannot be trained on together (layers "
                + first.layer()
                + " and "
                + other.layer()
                + ")");
      }
    }
  }

  /** The same rows, where a plain row of a larger norm is massive. Closing either closes both. */
  MarkedRows withMassiveLimit(double limit) {
    return new MarkedRows(parts, width, holdOut, side, limit);
  }

  public long rows() {
    return parts.get(parts.size() - 1).end();
  }

  /** d. */
  public int width() {
    return width;
  }

  /** The (first) harvest, which says what model and layer the rows come from. */
  public Optional<Harvest> harvest() {
    return parts.stream().flatMap(part -> part.harvest().stream()).findFirst();
  }

  /** Whether some rows come from no harvest, so that their median norm is not known. */
  boolean anyPlain() {
    return parts.stream().anyMatch(part -> part.harvest().isEmpty());
  }

  /** Whether row {@code row} comes from no harvest. */
  boolean plain(long row) {
    return parts.stream()
        .anyMatch(part -> part.harvest().isEmpty() && row >= part.begin() && row < part.end());
  }

  /** Reads rows {@code from} to {@code to} with their marks. */
  void read(long from, long to, RowBlock block) {
    block.restart((int) (to - from));
    for (Part part : parts) {
      long first = Math.max(from, part.begin());
      long last = Math.min(to, part.end());
      if (first < last) {
        int place = (int) (first - from);
        read(part, first - part.begin(), last - part.begin(), block, place);
      }
    }
  }

  private void read(Part part, long from, long to, RowBlock block, int place) {
    int end = place + (int) (to - from);
    part.source().readFloats(from, to, block.target(place, end));
    block.take(place, end);
    if (part.harvest().isPresent()) {
      markHarvest(part.harvest().get(), from, to, block, place);
    } else {
      markMassive(block, place, end, plainLimit);
    }
  }

  private void markHarvest(Harvest harvest, long from, long to, RowBlock block, int place) {
    int count = (int) (to - from);
    markMassive(block, place, place + count, MASSIVE * harvest.medianNorm());
    int[] positions = harvest.positions(from, to);
    for (int i = 0; i < count; i++) {
      if (positions[i] == 0 && block.mark(place + i) != RowMark.NON_FINITE) {
        block.mark(place + i, RowMark.BOS);
      }
    }
    if (side != Side.ALL) {
      long[] documents = harvest.documents(from, to);
      for (int i = 0; i < count; i++) {
        if (holdOut.contains(documents[i]) != (side == Side.HELD_OUT)) {
          block.mark(place + i, RowMark.OTHER_SIDE);
        }
      }
    }
  }

  private static void markMassive(RowBlock block, int from, int to, double limit) {
    for (int i = from; i < to; i++) {
      if (block.usable(i) && block.norm(i) > limit) {
        block.mark(i, RowMark.MASSIVE);
      }
    }
  }

  /** Tells these rows from others without reading all of them: shape, and the ends' checksum. */
  String fingerprint() {
    CRC32C checksum = new CRC32C();
    try (RowBlock block = new RowBlock(FINGERPRINT_ROWS, width)) {
      addTo(checksum, 0, Math.min(FINGERPRINT_ROWS, rows()), block);
      addTo(checksum, Math.max(0, rows() - FINGERPRINT_ROWS), rows(), block);
    }
    return rows() + "x" + width + " crc32c " + Long.toHexString(checksum.getValue());
  }

  private void addTo(CRC32C checksum, long from, long to, RowBlock block) {
    read(from, to, block);
    java.nio.ByteBuffer bytes = java.nio.ByteBuffer.allocate(4 * block.rows() * width);
    bytes.asFloatBuffer().put(block.values(), 0, block.rows() * width);
    checksum.update(bytes);
  }

  @Override
  public void close() {
    parts.forEach(Part::close);
  }
}
