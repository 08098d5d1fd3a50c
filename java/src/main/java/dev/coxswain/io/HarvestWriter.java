package dev.coxswain.io;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.coxswain.error.FileException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Writes a {@link Harvest}: shards of at most 65,536 rows, each whole or not at all, and {@code
 * harvest.json} last, so that a folder without it is an unfinished one. Single-threaded.
 */
public final class HarvestWriter implements AutoCloseable {
  private static final int MAX_SHARD_ROWS = 65_536;
  private static final long MAX_SHARD_BYTES = 256 << 20;

  private final Path folder;
  private final HarvestInfo identity;
  private final HostTensor x;
  private final HostTensor token;
  private final HostTensor position;
  private final HostTensor document;
  private final HostTensor widened;
  private int buffered;
  private int shards;
  private long rows;
  private long documents;
  private long lastDocument;
  private long bosRows;

  /** Norms of all rows that are not BOS, for the median. */
  private float[] norms = new float[1024];

  private int normCount;

  private HarvestWriter(Path folder, HarvestInfo identity, DType dtype) {
    this.folder = folder;
    this.identity = identity;
    int width = identity.width();
    long fitting = Long.highestOneBit(MAX_SHARD_BYTES / ((long) width * dtype.bytes()));
    long capacity = Math.max(1, Math.min(MAX_SHARD_ROWS, fitting));
    this.x = HostTensor.allocate(dtype, capacity, width);
    this.token = HostTensor.allocate(DType.I32, capacity);
    this.position = HostTensor.allocate(DType.I32, capacity);
    this.document = HostTensor.allocate(DType.I64, capacity);
    this.widened = HostTensor.allocate(DType.F32, width);
  }

  /**
   * Begins a harvest in a folder, which is made where it is missing. One that is there already is
   * replaced.
   *
   * @param identity as {@link HarvestInfo#begin} makes it
   * @param dtype of x: F32, F16 or BF16
   */
  public static HarvestWriter create(Path folder, HarvestInfo identity, DType dtype) {
    if (!dtype.isHiddenState()) {
      throw new IllegalArgumentException("rows of a harvest cannot be " + dtype);
    }
    try {
      Files.createDirectories(folder);
      Files.deleteIfExists(folder.resolve("harvest.json"));
      for (Path file : RowSource.list(folder)) {
        if (file.getFileName().toString().matches("\\d{5,}\\.safetensors")) {
          Files.delete(file);
        }
      }
    } catch (IOException e) {
      throw FileException.of("cannot write", folder, e);
    }
    return new HarvestWriter(folder, identity, dtype);
  }

  /**
   * Adds rows; those of one document follow one another.
   *
   * @param rows host memory; [n, d] of the harvest's type
   * @param tokens [n]
   * @param positions [n]; 0 is BOS
   * @param documentNumbers [n]
   */
  public void append(TensorView rows, int[] tokens, int[] positions, long[] documentNumbers) {
    int n = tokens.length;
    rows.require("x", x.dtype(), n, identity.width());
    if (positions.length != n || documentNumbers.length != n) {
      throw new IllegalArgumentException(n + " tokens need as many positions and documents");
    }
    int done = 0;
    while (done < n) {
      int count = (int) Math.min(n - done, x.shape().extent(0) - buffered);
      TensorView part = rows.rows(done, done + count);
      HostMemory.copy(
          part.address(), x.view().rows(buffered, buffered + count).address(), part.byteSize());
      for (int i = 0; i < count; i++) {
        appendColumns(tokens[done + i], positions[done + i], documentNumbers[done + i]);
      }
      done += count;
      if (buffered == x.shape().extent(0)) {
        writeShard();
      }
    }
  }

  private void appendColumns(int tokenId, int rowPosition, long documentNumber) {
    token.setInt(buffered, tokenId);
    position.setInt(buffered, rowPosition);
    HostMemory.putLong(document.view().address() + 8L * buffered, documentNumber);
    if (rows == 0 || documentNumber != lastDocument) {
      documents++;
      lastDocument = documentNumber;
    }
    if (rowPosition == 0) {
      bosRows++;
    } else {
      addNorm(x.view().rows(buffered, buffered + 1));
    }
    buffered++;
    rows++;
  }

  private void addNorm(TensorView row) {
    FloatConversion.widen(row, widened.view());
    if (normCount == norms.length) {
      norms = Arrays.copyOf(norms, Math.multiplyExact(norms.length, 2));
    }
    norms[normCount++] = (float) Harvest.norm(widened.view().address(), identity.width());
  }

  private void writeShard() {
    Map<String, TensorView> tensors = new LinkedHashMap<>();
    tensors.put("x", x.view().rows(0, buffered));
    tensors.put("token", token.view().rows(0, buffered));
    tensors.put("position", position.view().rows(0, buffered));
    tensors.put("document", document.view().rows(0, buffered));
    SafetensorsWriter.write(folder.resolve(Harvest.shardName(shards)), tensors, Map.of());
    shards++;
    buffered = 0;
  }

  /** Writes the last shard and {@code harvest.json}. Returns what that file says. */
  public HarvestInfo finish() {
    if (buffered > 0 || shards == 0) {
      writeShard();
    }
    HarvestInfo info = statistics();
    try {
      String json = Json.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(info);
      AtomicFile.writeString(folder.resolve("harvest.json"), json + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("harvest.json", e);
    }
    return info;
  }

  private HarvestInfo statistics() {
    double[] finite =
        IntStream.range(0, normCount)
            .mapToDouble(i -> norms[i])
            .filter(Double::isFinite)
            .sorted()
            .toArray();
    int middle = finite.length / 2;
    double median =
        finite.length == 0
            ? 0
            : finite.length % 2 == 1 ? finite[middle] : (finite[middle - 1] + finite[middle]) / 2;
    long massive =
        IntStream.range(0, normCount)
            .filter(i -> HarvestInfo.isLeftOut(1, norms[i], median))
            .count();
    return new HarvestInfo(
        identity.model(),
        identity.modelSha256(),
        identity.layer(),
        identity.width(),
        rows,
        documents,
        Arrays.stream(finite).average().orElse(0),
        median,
        bosRows,
        massive,
        identity.pieces());
  }

  /** Frees the buffers. Without {@link #finish()} the folder is left without harvest.json. */
  @Override
  public void close() {
    x.close();
    token.close();
    position.close();
    document.close();
    widened.close();
  }
}
