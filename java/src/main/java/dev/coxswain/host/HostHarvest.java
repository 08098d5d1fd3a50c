package dev.coxswain.host;

import dev.coxswain.io.HarvestInfo;
import dev.coxswain.io.HarvestWriter;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.TensorView;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A harvest that a host's lanes fill. Native code calls it under the harvest's lock. */
final class HostHarvest implements AutoCloseable {
  private static final int FOLDER = 1;
  private static final int MODEL = 3;
  private static final int MODEL_SHA256 = 5;
  private static final int LAYER = 7;
  private static final int WIDTH = 8;
  private static final int DTYPE = 9;
  private static final int PIECES = 10;
  private static final int PIECE_ENDS = 11;
  private static final int PIECE_COUNT = 12;

  private static final int ROWS = 1;
  private static final int X = 2;
  private static final int TOKENS = 3;
  private static final int POSITIONS = 4;
  private static final int DOCUMENTS = 5;
  private static final int DOCUMENT_COUNT = 6;

  private final HarvestWriter writer;
  private final DType dtype;
  private final int width;
  private long documents;
  private long lastDocument;

  private HostHarvest(HarvestWriter writer, DType dtype, int width) {
    this.writer = writer;
    this.dtype = dtype;
    this.width = width;
  }

  static HostHarvest open(NativeWords words) {
    DType dtype = NativeWords.dtype(words.get(DTYPE));
    HarvestInfo identity =
        HarvestInfo.begin(
            words.text(MODEL, "the model's name"),
            words.text(MODEL_SHA256, "the model's SHA-256"),
            words.getInt(LAYER),
            words.getInt(WIDTH),
            pieces(words));
    Path folder = words.path(FOLDER, "the harvest's folder");
    return new HostHarvest(HarvestWriter.create(folder, identity, dtype), dtype, identity.width());
  }

  /** A piece may be part of a character: what is no UTF-8 becomes U+FFFD. */
  private static List<String> pieces(NativeWords words) {
    int count = words.getInt(PIECE_COUNT);
    List<String> pieces = new ArrayList<>(count);
    long start = 0;
    for (int i = 0; i < count; i++) {
      long end = HostMemory.getLong(words.get(PIECE_ENDS) + 8L * i);
      byte[] bytes = new byte[Math.toIntExact(end - start)];
      HostMemory.copy(words.get(PIECES) + start, bytes, 0, bytes.length);
      pieces.add(new String(bytes, StandardCharsets.UTF_8));
      start = end;
    }
    return pieces;
  }

  void append(NativeWords call) {
    int n = call.getInt(ROWS);
    int[] tokens = new int[n];
    int[] positions = new int[n];
    long[] numbers = new long[n];
    for (int i = 0; i < n; i++) {
      tokens[i] = HostMemory.getInt(call.get(TOKENS) + 4L * i);
      positions[i] = HostMemory.getInt(call.get(POSITIONS) + 4L * i);
      numbers[i] = HostMemory.getLong(call.get(DOCUMENTS) + 8L * i);
    }
    writer.append(TensorView.host(call.get(X), dtype, n, width), tokens, positions, numbers);
    call.set(DOCUMENT_COUNT, countDocuments(numbers));
  }

  private long countDocuments(long[] numbers) {
    for (long number : numbers) {
      if (documents == 0 || number != lastDocument) {
        documents++;
        lastDocument = number;
      }
    }
    return documents;
  }

  void finish() {
    writer.finish();
  }

  @Override
  public void close() {
    writer.close();
  }
}
