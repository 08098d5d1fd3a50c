package dev.coxswain.backend.contract;

import static dev.coxswain.backend.contract.Placed.bits;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.reference.Canonical;
import dev.coxswain.reference.Reference;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Floats;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("contract")
class DecodeTest {
  private static final long SEED = Seeds.next("DecodeTest");

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

  /** Random active features in no particular order, with empty places between them. */
  private record Drawn(int n, int k, float[] values, int[] indices, float[] normalization) {
    static Drawn of(Inputs.Arrays a, float range) {
      SplittableRandom random = new SplittableRandom(SEED);
      Drawn drawn =
          new Drawn(
              a.n(), a.k(), new float[a.n() * a.k()], new int[a.n() * a.k()], new float[2 * a.n()]);
      for (int row = 0; row < a.n(); row++) {
        drawn.drawRow(random, row, a.features(), range);
      }
      return drawn;
    }

    private void drawRow(SplittableRandom random, int row, int features, float range) {
      boolean[] taken = new boolean[features];
      for (int i = row * k; i < (row + 1) * k; i++) {
        int feature = random.nextInt(features);
        boolean empty = taken[feature] || random.nextInt(4) == 0;
        taken[feature] = true;
        values[i] = empty ? 0f : (float) random.nextDouble() * range;
        indices[i] = empty ? -1 : feature;
      }
      boolean marked = row == 1;
      normalization[2 * row] = marked ? 0f : (float) random.nextDouble();
      normalization[2 * row + 1] = marked ? 0f : 0.5f + row;
    }

    SparseRows on(Placed placed) {
      return new SparseRows(
          placed.place(HostTensor.ofFloats(Shape.of(n, k), values)),
          placed.place(HostTensor.ofInts(Shape.of(n, k), indices)),
          placed.place(HostTensor.ofFloats(Shape.of(n, 2), normalization)));
    }

    List<Canonical.Active> active(int row) {
      List<Canonical.Active> active = new ArrayList<>();
      for (int i = row * k; i < (row + 1) * k; i++) {
        if (indices[i] >= 0) {
          active.add(new Canonical.Active(indices[i], values[i]));
        }
      }
      return active;
    }

    float[] shiftScale(int row) {
      return Arrays.copyOfRange(normalization, 2 * row, 2 * row + 2);
    }

    /** By the plain-Java canonical arithmetic, before the rounding at the store. */
    float[] decode(Inputs.Arrays a, int row, boolean normalized) {
      return Canonical.decode(active(row), a.wDec(), a.bDec(), normalized, shiftScale(row));
    }
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void shouldGiveTheCanonicalBitsOnEveryBackend(Inputs inputs) {
    Inputs.Arrays a = inputs.draw(SEED);
    Drawn drawn = Drawn.of(a, 3f);
    for (Backend backend : backends.all) {
      try (Placed placed = new Placed(backend, a)) {
        SparseRows active = drawn.on(placed);
        for (DType dtype : DTYPES) {
          for (Normalization normalization : Normalization.values()) {
            check(placed, drawn, active, dtype, normalization);
          }
        }
      }
    }
  }

  private static void check(
      Placed placed, Drawn drawn, SparseRows active, DType dtype, Normalization normalization) {
    Inputs.Arrays a = placed.arrays;
    String where = placed.backend.name() + " " + dtype + " " + normalization;
    TensorView xHat = placed.room(dtype, a.n(), a.d());
    assertEquals(0, placed.backend.decode(placed.decoder(normalization), active, xHat), where);
    float[] actual = placed.floats(xHat);
    for (int row = 0; row < a.n(); row++) {
      float[] expected = drawn.decode(a, row, normalization != Normalization.NONE);
      for (int e = 0; e < expected.length; e++) {
        expected[e] = Floats.round(dtype, expected[e]);
      }
      float[] ours = Arrays.copyOfRange(actual, row * a.d(), (row + 1) * a.d());
      assertArrayEquals(bits(expected), bits(ours), where + " row " + row);
    }
  }

  @Test
  void shouldAgreeWithDoublePrecision() {
    Inputs.Arrays a = Inputs.rowsNotMultipleOfTile.draw(SEED);
    Drawn drawn = Drawn.of(a, 3f);
    try (Placed placed = new Placed(backends.subject(), a)) {
      TensorView xHat = placed.room(DType.F32, a.n(), a.d());
      Decoder decoder = placed.decoder(Normalization.LAYER_NORM);
      placed.backend.decode(decoder, drawn.on(placed), xHat);
      float[] actual = placed.floats(xHat);
      for (int row = 0; row < a.n(); row++) {
        float[] shiftScale = drawn.shiftScale(row);
        int[] indices = Arrays.copyOfRange(drawn.indices, row * a.k(), (row + 1) * a.k());
        float[] values = Arrays.copyOfRange(drawn.values, row * a.k(), (row + 1) * a.k());
        double[] undo = {shiftScale[0], shiftScale[1]};
        double[] expected = Reference.decode(indices, values, a.wDec(), a.bDec(), undo);
        for (int e = 0; e < a.d(); e++) {
          double scale = 30 * Math.max(1, shiftScale[1]);
          assertEquals(expected[e], actual[row * a.d() + e], 1e-6 * scale);
        }
      }
    }
  }

  @Test
  void shouldClampToTheLargestFiniteValueAndCountIt() {
    Inputs.Arrays a = Inputs.uniform.draw(SEED);
    Drawn drawn = Drawn.of(a, 3e38f);
    for (Backend backend : backends.all) {
      try (Placed placed = new Placed(backend, a)) {
        SparseRows active = drawn.on(placed);
        for (DType dtype : DTYPES) {
          long overflowing = overflowing(a, drawn, dtype);
          assertTrue(overflowing > 0);
          TensorView xHat = placed.room(dtype, a.n(), a.d());
          long clamped = backend.decode(placed.decoder(Normalization.NONE), active, xHat);
          assertEquals(overflowing, clamped, backend.name() + " " + dtype);
          for (float value : placed.floats(xHat)) {
            assertTrue(Float.isFinite(value));
          }
        }
      }
    }
  }

  /** Elements that rounding to nearest would make infinite. */
  private static long overflowing(Inputs.Arrays a, Drawn drawn, DType dtype) {
    long count = 0;
    for (int row = 0; row < a.n(); row++) {
      for (float value : drawn.decode(a, row, false)) {
        count += Float.isInfinite(Floats.round(dtype, value)) ? 1 : 0;
      }
    }
    return count;
  }

  @Test
  void shouldRefuseAFeatureIndexOutOfRangeByName() {
    Inputs.Arrays a = Inputs.uniform.draw(SEED);
    for (Backend backend : backends.all) {
      try (Placed placed = new Placed(backend, a)) {
        for (int bad : new int[] {a.features(), -2}) {
          Drawn drawn = Drawn.of(a, 1f);
          drawn.indices[3 * a.k() + 1] = bad;
          SparseRows active = drawn.on(placed);
          TensorView xHat = placed.room(DType.F32, a.n(), a.d());
          InvalidDataException e =
              assertThrows(
                  InvalidDataException.class,
                  () -> backend.decode(placed.decoder(Normalization.NONE), active, xHat));
          assertEquals(
              "row 3 has feature index " + bad + "; it must be -1 or below F = 96", e.getMessage());
        }
      }
    }
  }
}
