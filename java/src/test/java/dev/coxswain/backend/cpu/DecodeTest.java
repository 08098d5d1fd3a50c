package dev.coxswain.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.reference.Canonical;
import dev.coxswain.reference.Reference;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Floats;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DecodeTest {
  private static final long SEED = Seeds.next("DecodeTest");

  private static Backends backends;

  @BeforeAll
  static void open() {
    backends = new Backends();
  }

  @AfterAll
  static void close() {
    backends.close();
  }

  static Stream<Inputs> inputs() {
    return Inputs.all();
  }

  /** Random active features in no particular order, with empty places between them. */
  private static SparseRows draw(Placed placed, float range) {
    SplittableRandom random = new SplittableRandom(SEED);
    Inputs.Arrays a = placed.arrays;
    SparseRows rows = placed.rows(a.n(), a.k());
    for (int row = 0; row < a.n(); row++) {
      boolean[] taken = new boolean[a.features()];
      for (int i = row * a.k(); i < (row + 1) * a.k(); i++) {
        int feature = random.nextInt(a.features());
        boolean empty = taken[feature] || random.nextInt(4) == 0;
        taken[feature] = true;
        putFloat(rows.values(), i, empty ? 0f : (float) random.nextDouble() * range);
        HostMemory.putInt(rows.indices().address() + 4L * i, empty ? -1 : feature);
      }
      boolean marked = row == 1;
      putFloat(rows.normalization(), 2 * row, marked ? 0f : (float) random.nextDouble());
      putFloat(rows.normalization(), 2 * row + 1, marked ? 0f : 0.5f + row);
    }
    return rows;
  }

  private static void putFloat(TensorView view, long i, float value) {
    HostMemory.putFloat(view.address() + 4 * i, value);
  }

  private static List<Canonical.Active> activeOf(SparseRows rows, int row) {
    float[] values = Floats.of(rows.values().rows(row, row + 1));
    int[] indices = EncodeTest.ints(rows.indices().rows(row, row + 1));
    List<Canonical.Active> active = new ArrayList<>();
    for (int i = 0; i < indices.length; i++) {
      if (indices[i] >= 0) {
        active.add(new Canonical.Active(indices[i], values[i]));
      }
    }
    return active;
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void shouldGiveTheCanonicalBitsOnEveryIsaAndThreadCount(Inputs inputs) {
    try (Placed placed = new Placed(inputs.draw(SEED))) {
      SparseRows active = draw(placed, 3f);
      for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16)) {
        for (Normalization normalization : Normalization.values()) {
          for (CpuBackend backend : backends.all) {
            check(backend, placed, active, dtype, normalization);
          }
        }
      }
    }
  }

  private static void check(
      CpuBackend backend,
      Placed placed,
      SparseRows active,
      DType dtype,
      Normalization normalization) {
    Inputs.Arrays a = placed.arrays;
    try (HostTensor xHat = HostTensor.allocate(dtype, a.n(), a.d())) {
      HostMemory.fill(xHat.view().address(), xHat.view().byteSize(), (byte) 0x7b);
      assertEquals(0, backend.decode(placed.decoder(normalization), active, xHat.view()));
      for (int row = 0; row < a.n(); row++) {
        float[] shiftScale = Floats.of(active.normalization().rows(row, row + 1));
        boolean normalized = normalization != Normalization.NONE;
        float[] expected =
            Canonical.decode(activeOf(active, row), a.wDec(), a.bDec(), normalized, shiftScale);
        for (int e = 0; e < expected.length; e++) {
          expected[e] = Floats.round(dtype, expected[e]);
        }
        float[] actual = Floats.of(xHat.view().rows(row, row + 1));
        assertArrayEquals(
            EncodeTest.bits(expected), EncodeTest.bits(actual), backend.name() + " " + dtype);
      }
    }
  }

  @Test
  void shouldAgreeWithDoublePrecision() {
    Inputs.Arrays a = Inputs.rowsNotMultipleOfTile.draw(SEED);
    try (Placed placed = new Placed(a);
        HostTensor xHat = HostTensor.allocate(DType.F32, a.n(), a.d())) {
      SparseRows active = draw(placed, 3f);
      backends.first().decode(placed.decoder(Normalization.LAYER_NORM), active, xHat.view());
      for (int row = 0; row < a.n(); row++) {
        float[] shiftScale = Floats.of(active.normalization().rows(row, row + 1));
        int[] indices = EncodeTest.ints(active.indices().rows(row, row + 1));
        float[] values = Floats.of(active.values().rows(row, row + 1));
        double[] undo = {shiftScale[0], shiftScale[1]};
        double[] expected = Reference.decode(indices, values, a.wDec(), a.bDec(), undo);
        for (int e = 0; e < a.d(); e++) {
          double scale = 30 * Math.max(1, shiftScale[1]);
          assertEquals(expected[e], xHat.getFloat((long) row * a.d() + e), 1e-6 * scale);
        }
      }
    }
  }

  @Test
  void shouldClampToTheLargestFiniteValueAndCountIt() {
    Inputs.Arrays a = Inputs.uniform.draw(SEED);
    for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16)) {
      try (Placed placed = new Placed(a);
          HostTensor xHat = HostTensor.allocate(dtype, a.n(), a.d())) {
        SparseRows active = draw(placed, 3e38f);
        long overflowing = overflowing(placed, active, dtype);
        assertTrue(overflowing > 0);
        for (CpuBackend backend : backends.all) {
          long clamped = backend.decode(placed.decoder(Normalization.NONE), active, xHat.view());
          assertEquals(overflowing, clamped, backend.name() + " " + dtype);
          for (float value : Floats.of(xHat.view())) {
            assertTrue(Float.isFinite(value));
          }
        }
      }
    }
  }

  /** Elements that rounding to nearest would make infinite. */
  private static long overflowing(Placed placed, SparseRows active, DType dtype) {
    Inputs.Arrays a = placed.arrays;
    long count = 0;
    for (int row = 0; row < a.n(); row++) {
      float[] shiftScale = Floats.of(active.normalization().rows(row, row + 1));
      for (float value :
          Canonical.decode(activeOf(active, row), a.wDec(), a.bDec(), false, shiftScale)) {
        count += Float.isInfinite(Floats.round(dtype, value)) ? 1 : 0;
      }
    }
    return count;
  }

  @Test
  void shouldRefuseAFeatureIndexOutOfRangeByName() {
    Inputs.Arrays a = Inputs.uniform.draw(SEED);
    try (Placed placed = new Placed(a);
        HostTensor xHat = HostTensor.allocate(DType.F32, a.n(), a.d())) {
      for (int bad : new int[] {a.features(), -2}) {
        SparseRows active = draw(placed, 1f);
        HostMemory.putInt(active.indices().address() + 4L * (3 * a.k() + 1), bad);
        InvalidDataException e =
            assertThrows(
                InvalidDataException.class,
                () ->
                    backends
                        .all
                        .get(1)
                        .decode(placed.decoder(Normalization.NONE), active, xHat.view()));
        assertEquals(
            "row 3 has feature index " + bad + "; it must be -1 or below F = 96", e.getMessage());
      }
    }
  }
}
