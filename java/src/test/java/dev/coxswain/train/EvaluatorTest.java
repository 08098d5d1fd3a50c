package dev.coxswain.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.Engine;
import dev.coxswain.backend.Device;
import dev.coxswain.backend.Normalization;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.reference.Reference;
import dev.coxswain.sae.PlacedAutoencoder;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.testing.Floats;
import dev.coxswain.testing.Seeds;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluatorTest {
  private static final int ROWS = 203;
  private static final int WIDTH = 19;
  private static final int FEATURES = 400;

  private static Engine engine;

  @TempDir Path folder;
  private final Random random = new Random(Seeds.next("EvaluatorTest"));

  @BeforeAll
  static void open() {
    engine = Engine.open(Device.CPU, 2);
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  @Test
  void shouldMeasureWhatDoublePrecisionDoes() {
    for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16)) {
      float[] x = gaussians(ROWS * WIDTH, 3, 5);
      try (SparseAutoencoder sae = sae(7);
          MarkedRows rows = write(dtype, x)) {
        check(sae, rows, rounded(dtype, x), 7);
      }
    }
  }

  @Test
  void shouldMakeRoomForAnActivationWithoutALimit() {
    float[] x = gaussians(ROWS * WIDTH, 3, 5);
    try (SparseAutoencoder sae = sae(0);
        MarkedRows rows = write(DType.F32, x)) {
      check(sae, rows, x, FEATURES);
    }
  }

  private static void check(SparseAutoencoder sae, MarkedRows rows, float[] x, int k) {
    Evaluation got = evaluate(sae, rows);
    Expected want = Expected.of(sae, x, k);
    assertEquals(want.fvu, got.fvu(), 1e-5 * want.fvu);
    assertEquals(1 - want.fvu, got.explainedVariance(), 1e-5 * Math.max(1, want.fvu));
    assertEquals(want.l0, got.l0(), 1e-12);
    assertEquals(want.dead, got.deadFraction(), 1e-12);
    assertEquals(want.normalizedL2, got.normalizedL2(), 1e-5 * want.normalizedL2);
    assertEquals(new RowCounts(ROWS, 0, 0, 0, 0), got.rows());
    assertTrue(want.l0 > 1 && want.fvu > 0.01, "the case must not be trivial");
  }

  @Test
  void shouldLeaveRowsThatAreNotFiniteOutAndCountThem() {
    float[] x = gaussians(4 * WIDTH, 1, 0);
    float[] finite = gaussians(2 * WIDTH, 1, 0);
    System.arraycopy(finite, 0, x, 0, WIDTH);
    System.arraycopy(finite, WIDTH, x, 2 * WIDTH, WIDTH);
    x[WIDTH + 3] = Float.NaN;
    x[3 * WIDTH] = Float.NEGATIVE_INFINITY;
    try (SparseAutoencoder sae = sae(3)) {
      Evaluation mixed;
      try (MarkedRows rows = write(DType.F32, x)) {
        mixed = evaluate(sae, rows);
      }
      try (MarkedRows rows = write(DType.F32, finite)) {
        Evaluation alone = evaluate(sae, rows);
        assertEquals(alone.fvu(), mixed.fvu());
        assertEquals(alone.l0(), mixed.l0());
      }
      assertEquals(new RowCounts(2, 0, 0, 2, 0), mixed.rows());
    }
  }

  @Test
  void shouldCallTheVarianceOfOneRowUndefined() {
    try (SparseAutoencoder sae = sae(3);
        MarkedRows rows = write(DType.F32, gaussians(WIDTH, 1, 0))) {
      assertTrue(Double.isNaN(evaluate(sae, rows).fvu()));
    }
  }

  @Test
  void shouldRefuseRowsThatCannotBeEvaluated() {
    try (SparseAutoencoder sae = sae(3)) {
      try (MarkedRows rows = write(DType.F32, new float[0])) {
        assertRefused("no row to evaluate: 0 rows, left out none", sae, rows);
      }
      float[] x = gaussians(WIDTH, 1, 0);
      x[2] = Float.NaN;
      try (MarkedRows rows = write(DType.F32, x)) {
        assertRefused("no row to evaluate: 1 rows, left out 1 not finite", sae, rows);
      }
      try (HostTensor wide = HostTensor.allocate(DType.F32, 2, WIDTH + 1)) {
        SafetensorsWriter.write(
            folder.resolve("w.safetensors"), Map.of("x", wide.view()), Map.of());
      }
      List<String> specs = List.of(folder.resolve("w.safetensors").toString());
      try (MarkedRows rows = MarkedRows.open(specs, HoldOut.NONE, MarkedRows.Side.ALL)) {
        assertRefused("the rows have 20 elements, the SAE reads 19", sae, rows);
      }
    }
  }

  private static void assertRefused(String message, SparseAutoencoder sae, MarkedRows rows) {
    InvalidDataException refusal =
        assertThrows(InvalidDataException.class, () -> evaluate(sae, rows));
    assertEquals(message, refusal.getMessage());
  }

  private static Evaluation evaluate(SparseAutoencoder sae, MarkedRows rows) {
    try (PlacedAutoencoder placed = PlacedAutoencoder.place(engine.backend(), sae)) {
      return Evaluator.evaluate(engine.backend(), placed, rows, done -> {});
    }
  }

  private MarkedRows write(DType dtype, float[] x) {
    Path path = folder.resolve("x.safetensors");
    try (HostTensor tensor = Floats.tensor(dtype, x, x.length / WIDTH, WIDTH)) {
      SafetensorsWriter.write(path, Map.of("x", tensor.view()), Map.of());
    }
    return MarkedRows.open(List.of(path.toString()), HoldOut.NONE, MarkedRows.Side.ALL);
  }

  private static float[] rounded(DType dtype, float[] x) {
    float[] all = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      all[i] = Floats.round(dtype, x[i]);
    }
    return all;
  }

  /** Top-K with that k; ReLU for 0. */
  private SparseAutoencoder sae(int k) {
    SparseAutoencoder.Builder builder =
        SparseAutoencoder.builder()
            .wEnc(
                HostTensor.ofFloats(
                    Shape.of(FEATURES, WIDTH), gaussians(FEATURES * WIDTH, 0.2f, 0)))
            .wDec(
                HostTensor.ofFloats(
                    Shape.of(FEATURES, WIDTH), gaussians(FEATURES * WIDTH, 0.1f, 0)))
            .bEnc(HostTensor.ofFloats(Shape.of(FEATURES), gaussians(FEATURES, 0.1f, 0)))
            .bDec(HostTensor.ofFloats(Shape.of(WIDTH), gaussians(WIDTH, 1, 5)))
            .subtractsBDec(true);
    return (k > 0 ? builder.topK(k) : builder.relu()).build();
  }

  private float[] gaussians(int count, float deviation, float mean) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = mean + deviation * (float) random.nextGaussian();
    }
    return values;
  }

  private record Expected(double fvu, double l0, double dead, double normalizedL2) {
    static Expected of(SparseAutoencoder sae, float[] x, int k) {
      float[] wEnc = Floats.of(sae.wEnc());
      float[] bEnc = Floats.of(sae.bEnc());
      float[] wDec = Floats.of(sae.wDec());
      float[] bDec = Floats.of(sae.bDec());
      int n = x.length / WIDTH;
      BitSet fired = new BitSet();
      double active = 0;
      double error = 0;
      double relative = 0;
      for (int i = 0; i < n; i++) {
        double[] row = row(x, i);
        double[] z = Reference.scores(row, Normalization.NONE, bDec, wEnc, bEnc);
        int[] top =
            IntStream.range(0, FEATURES)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer f) -> -z[f]))
                .limit(k)
                .filter(f -> z[f] > 0)
                .mapToInt(f -> f)
                .toArray();
        float[] values = new float[top.length];
        for (int j = 0; j < top.length; j++) {
          values[j] = (float) z[top[j]];
          fired.set(top[j]);
        }
        active += top.length;
        double[] xHat = Reference.decode(top, values, wDec, bDec, new double[] {0, 1});
        error += squaredDistance(row, xHat);
        relative += squaredDistance(row, xHat) / squaredDistance(row, new double[WIDTH]);
      }
      double dead = 1 - (double) fired.cardinality() / FEATURES;
      return new Expected(error / variance(x, n), active / n, dead, relative / n);
    }

    private static double variance(float[] x, int n) {
      double[] mean = new double[WIDTH];
      for (int i = 0; i < x.length; i++) {
        mean[i % WIDTH] += (double) x[i] / n;
      }
      double variance = 0;
      for (int i = 0; i < n; i++) {
        variance += squaredDistance(row(x, i), mean);
      }
      return variance;
    }

    private static double[] row(float[] x, int i) {
      return IntStream.range(0, WIDTH).mapToDouble(e -> x[i * WIDTH + e]).toArray();
    }

    private static double squaredDistance(double[] a, double[] b) {
      return IntStream.range(0, WIDTH).mapToDouble(e -> (a[e] - b[e]) * (a[e] - b[e])).sum();
    }
  }
}
