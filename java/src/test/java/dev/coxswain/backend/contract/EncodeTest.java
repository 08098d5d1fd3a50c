package dev.coxswain.backend.contract;

import static dev.coxswain.backend.contract.Placed.bits;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Backend;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.reference.Canonical;
import dev.coxswain.reference.Reference;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Seeds;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("contract")
class EncodeTest {
  private static final long SEED = Seeds.next("EncodeTest");
  private static final List<DType> DTYPES = List.of(DType.F32, DType.F16, DType.BF16);

  private static Backends backends;

  @BeforeAll
  static void open() {
    backends = new Backends(1, 2, 5);
  }

  @AfterAll
  static void close() {
    backends.close();
  }

  static Stream<Inputs> inputs() {
    return Inputs.all();
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void shouldGiveTheCanonicalBitsOnEveryBackend(Inputs inputs) {
    Inputs.Arrays a = inputs.draw(SEED);
    Map<String, Expected> expected = new HashMap<>();
    for (Backend backend : backends.all) {
      try (Placed placed = new Placed(backend, a)) {
        for (DType dtype : DTYPES) {
          TensorView x = placed.x(dtype);
          for (Activation activation : Activation.values()) {
            for (Normalization normalization : Normalization.values()) {
              boolean subtracts = (dtype.ordinal() + normalization.ordinal()) % 2 == 0;
              Encoder encoder = placed.encoder(activation, normalization, subtracts);
              String what = dtype + " " + activation + " " + normalization;
              check(
                  placed,
                  encoder,
                  x,
                  expected.computeIfAbsent(
                      what, unused -> Expected.of(a, placed.floats(x), encoder, subtracts)),
                  backend.name() + " " + what);
            }
          }
        }
      }
    }
  }

  private static void check(
      Placed placed, Encoder encoder, TensorView x, Expected expected, String where) {
    SparseRows active = placed.rows(x.rows(), expected.places());
    EncodeReport report = placed.backend.encode(encoder, x, active);
    assertArrayEquals(expected.indices(), placed.ints(active.indices()), where);
    assertArrayEquals(bits(expected.values()), bits(placed.floats(active.values())), where);
    assertArrayEquals(
        bits(expected.normalization()), bits(placed.floats(active.normalization())), where);
    assertEquals(expected.nonFinite(), report.nonFiniteRows(), where);
    assertEquals(expected.unnormalizable(), report.unnormalizableRows(), where);
    assertEquals(expected.places(), Math.max(1, report.mostActive()), where);
    assertEquals(-1, report.firstOverfullRow(), where);
  }

  /** What the plain-Java canonical arithmetic gives. */
  private record Expected(
      int places,
      float[] values,
      int[] indices,
      float[] normalization,
      long nonFinite,
      long unnormalizable) {

    static Expected of(Inputs.Arrays a, float[] x, Encoder encoder, boolean subtracts) {
      float[] subtract = subtracts ? a.bDec() : new float[0];
      List<Canonical.Prepared> rows =
          java.util.stream.IntStream.range(0, a.n())
              .mapToObj(r -> Canonical.prepare(x, r, a.d(), encoder.normalization(), subtract))
              .toList();
      List<List<Canonical.Active>> active =
          rows.stream()
              .map(
                  row ->
                      Canonical.encode(
                          row, a.wEnc(), a.bEnc(), a.threshold(), encoder.activation(), a.k()))
              .toList();
      int places = Math.max(1, active.stream().mapToInt(List::size).max().orElse(0));
      float[] values = new float[a.n() * places];
      int[] indices = new int[a.n() * places];
      java.util.Arrays.fill(indices, -1);
      float[] normalization = new float[2 * a.n()];
      for (int r = 0; r < a.n(); r++) {
        normalization[2 * r] = rows.get(r).shift();
        normalization[2 * r + 1] = rows.get(r).scale();
        for (int i = 0; i < active.get(r).size(); i++) {
          values[r * places + i] = active.get(r).get(i).value();
          indices[r * places + i] = active.get(r).get(i).index();
        }
      }
      long nonFinite = rows.stream().filter(row -> !row.finite()).count();
      long unready = rows.stream().filter(row -> !row.ready()).count();
      return new Expected(places, values, indices, normalization, nonFinite, unready - nonFinite);
    }
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void shouldAgreeWithDoublePrecision(Inputs inputs) {
    Inputs.Arrays a = inputs.draw(SEED);
    try (Placed placed = new Placed(backends.subject(), a)) {
      for (Normalization normalization : Normalization.values()) {
        TensorView x = placed.x(DType.F32);
        SparseRows active = placed.rows(a.n(), a.k());
        placed.backend.encode(placed.encoder(Activation.TOP_K, normalization, true), x, active);
        for (int row = 0; row < a.n(); row++) {
          compareRow(placed, row, normalization, active);
        }
      }
    }
  }

  private static void compareRow(
      Placed placed, int row, Normalization normalization, SparseRows active) {
    Inputs.Arrays a = placed.arrays;
    double[] x = new double[a.d()];
    boolean finite = true;
    for (int e = 0; e < a.d(); e++) {
      x[e] = a.x()[row * a.d() + e];
      finite &= Double.isFinite(x[e]);
    }
    double[] z =
        finite ? Reference.scores(x, normalization, a.bDec(), a.wEnc(), a.bEnc()) : new double[0];
    float[] values = placed.floats(active.values().rows(row, row + 1));
    int[] indices = placed.ints(active.indices().rows(row, row + 1));
    if (z.length == 0 || (normalization != Normalization.NONE && isFlat(x))) {
      return; // rounding decides what is left of a constant row; the canonical test covers it
    }
    double tolerance = 1e-5 * (1e-30 + java.util.Arrays.stream(z).map(Math::abs).max().orElse(0));
    boolean[] selected = new boolean[z.length];
    for (int i = 0; i < a.k(); i++) {
      if (indices[i] >= 0) {
        selected[indices[i]] = true;
        assertEquals(z[indices[i]], values[i], tolerance);
      }
    }
    double least = values[a.k() - 1];
    for (int f = 0; f < z.length; f++) {
      assertTrue(selected[f] || z[f] <= Math.max(least, 0) + tolerance);
    }
  }

  private static boolean isFlat(double[] x) {
    double max = java.util.Arrays.stream(x).max().orElse(0);
    return max - java.util.Arrays.stream(x).min().orElse(0) < 1e-12;
  }

  @Test
  void shouldReturnLowestIndexFirstWhenValuesTie() {
    Inputs.Arrays a = Inputs.tiedRows.draw(SEED);
    try (Placed placed = new Placed(backends.subject(), a)) {
      SparseRows active = placed.rows(a.n(), a.k());
      Encoder encoder = placed.encoder(Activation.TOP_K, Normalization.NONE, false);
      placed.backend.encode(encoder, placed.x(DType.F32), active);
      float[] values = placed.floats(active.values());
      int[] indices = placed.ints(active.indices());
      for (int i = 1; i < values.length; i++) {
        if (i % a.k() != 0 && indices[i] >= 0 && values[i] == values[i - 1]) {
          assertTrue(indices[i] > indices[i - 1]);
        }
      }
      assertTrue(indices[0] < 3, "the best feature is the first of its copies");
    }
  }

  @Test
  void shouldGiveTheSameRowsWhateverTheBatchIsCutInto() {
    Inputs.Arrays a = Inputs.rowsNotMultipleOfTile.draw(SEED);
    for (Backend backend : backends.all) {
      try (Placed placed = new Placed(backend, a)) {
        Encoder encoder = placed.encoder(Activation.TOP_K, Normalization.NONE, true);
        TensorView x = placed.x(DType.BF16);
        SparseRows whole = placed.rows(a.n(), a.k());
        SparseRows parts = placed.rows(a.n(), a.k());
        backend.encode(encoder, x, whole);
        for (int from = 0; from < a.n(); ) {
          int to = Math.min(a.n(), from + 1 + from % 9);
          backend.encode(encoder, x.rows(from, to), parts.rows(from, to));
          from = to;
        }
        assertArrayEquals(
            placed.ints(whole.indices()), placed.ints(parts.indices()), backend.name());
        assertArrayEquals(
            bits(placed.floats(whole.values())),
            bits(placed.floats(parts.values())),
            backend.name());
      }
    }
  }

  @Test
  void shouldReportTheRowThatHasMoreActiveFeaturesThanPlaces() {
    Inputs.Arrays a = Inputs.uniform.draw(SEED);
    try (Placed placed = new Placed(backends.subject(), a)) {
      Encoder encoder = placed.encoder(Activation.RELU, Normalization.NONE, false);
      EncodeReport report =
          placed.backend.encode(encoder, placed.x(DType.F32), placed.rows(a.n(), 1));
      assertEquals(0, report.firstOverfullRow());
      assertTrue(report.mostActive() > 1 && report.mostActive() <= a.features());
    }
  }
}
