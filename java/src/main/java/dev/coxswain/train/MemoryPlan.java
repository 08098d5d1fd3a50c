package dev.coxswain.train;

import dev.coxswain.tensor.MemorySpace;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;

/**
 * What a run will hold in memory, known before it starts.
 *
 * @param space where the backend keeps its tensors
 * @param bytes by what they are for
 */
public record MemoryPlan(MemorySpace space, Map<String, Long> bytes) {
  /** In the host's memory on every backend. */
  private static final Set<String> ON_HOST = Set.of("shuffled rows", "export");

  static MemoryPlan of(TrainOptions options, int width, long rows, MemorySpace space) {
    long features = options.features();
    long batch = options.batchRows();
    long pairs = batch * (options.k() + Math.min(options.kAux(), features));
    Map<String, Long> bytes = new LinkedHashMap<>();
    bytes.put("parameters", 4 * (2 * features * width + features + width));
    bytes.put("Adam's moments", 8 * (2 * features * width + features + width));
    bytes.put("shuffled rows", RowStream.windowBytes(rows, width, options.shuffleRows()));
    // Centred rows, two errors and the batch twice; pairs with their sorted copy; the encoder's
    // screen copy of W_enc and, where features die, the dead ones' rows.
    bytes.put("step", 20 * batch * width + 36 * pairs + 6 * features * width);
    bytes.put("export", 8 * features * width);
    return new MemoryPlan(space, bytes);
  }

  public long total() {
    return bytes.values().stream().mapToLong(Long::longValue).sum();
  }

  /** The part of it that is the host's. */
  public long onHost() {
    return space.isHost() ? total() : ON_HOST.stream().mapToLong(bytes::get).sum();
  }

  /** As in "memory 612 MB: parameters 19 MB, …". */
  public String describe() {
    StringJoiner parts = new StringJoiner(", ");
    bytes.forEach((what, size) -> parts.add(what + " " + megabytes(size)));
    String elsewhere =
        space.isHost() ? "" : ", " + megabytes(total() - onHost()) + " of it on " + space;
    return "memory " + megabytes(total()) + elsewhere + ": " + parts;
  }

  private static String megabytes(long size) {
    return String.format(Locale.ROOT, "%.0f MB", Math.ceil(size / 1e6));
  }
}
