package dev.coxswain.train;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;

/**
 * What a run will hold in memory, known before it starts.
 *
 * @param bytes by what they are for
 */
public record MemoryPlan(Map<String, Long> bytes) {
  static MemoryPlan of(TrainOptions options, int width, long rows) {
    long features = options.features();
    long batch = options.batchRows();
    long pairs = batch * (options.k() + Math.min(options.kAux(), features));
    Map<String, Long> bytes = new LinkedHashMap<>();
    bytes.put("parameters", 4 * (2 * features * width + features + width));
    bytes.put("Adam's moments", 8 * (2 * features * width + features + width));
    bytes.put("shuffled rows", RowStream.windowBytes(rows, width, options.shuffleRows()));
    // Centred rows, two errors and the batch; pairs with their sorted copy; the encoder's screen
    // copy of W_enc and, where features die, the dead ones' rows.
    bytes.put("step", 16 * batch * width + 24 * pairs + 6 * features * width);
    bytes.put("export", 8 * features * width);
    return new MemoryPlan(bytes);
  }

  public long total() {
    return bytes.values().stream().mapToLong(Long::longValue).sum();
  }

  /** As in "memory 612 MB: parameters 19 MB, …". */
  public String describe() {
    StringJoiner parts = new StringJoiner(", ");
    bytes.forEach((what, size) -> parts.add(what + " " + megabytes(size)));
    return "memory " + megabytes(total()) + ": " + parts;
  }

  private static String megabytes(long size) {
    return String.format(Locale.ROOT, "%.0f MB", Math.ceil(size / 1e6));
  }
}
