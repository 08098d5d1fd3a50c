package dev.coxswain.testing;

import dev.coxswain.io.Harvest;
import dev.coxswain.io.HarvestInfo;
import dev.coxswain.io.HarvestWriter;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Small harvests, token by token. */
public final class Harvests {
  private final int d;
  private final Map<String, Integer> tokens = new LinkedHashMap<>();
  private final List<Integer> token = new ArrayList<>();
  private final List<Integer> position = new ArrayList<>();
  private final List<Long> document = new ArrayList<>();
  private final List<float[]> states = new ArrayList<>();

  public Harvests(int d) {
    this.d = d;
  }

  /** Adds a row; position 0 begins a context. */
  public Harvests row(long documentNumber, int rowPosition, String piece, float... state) {
    token.add(tokens.computeIfAbsent(piece, key -> tokens.size()));
    position.add(rowPosition);
    document.add(documentNumber);
    states.add(state);
    return this;
  }

  public int rows() {
    return token.size();
  }

  public Harvest write(Path folder) {
    HarvestInfo info =
        HarvestInfo.begin("m.gguf", "0".repeat(64), 3, d, List.copyOf(tokens.keySet()));
    float[] x = new float[rows() * d];
    long[] documents = new long[rows()];
    for (int i = 0; i < rows(); i++) {
      System.arraycopy(states.get(i), 0, x, i * d, d);
      documents[i] = document.get(i);
    }
    try (HarvestWriter writer = HarvestWriter.create(folder, info, DType.F32);
        HostTensor rows = HostTensor.ofFloats(Shape.of(rows(), d), x)) {
      writer.append(rows.view(), ints(token), ints(position), documents);
      writer.finish();
    }
    return Harvest.open(folder);
  }

  private static int[] ints(List<Integer> values) {
    return values.stream().mapToInt(Integer::intValue).toArray();
  }
}
