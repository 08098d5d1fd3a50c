package dev.coxswain.backend.contract;

import static dev.coxswain.backend.contract.Placed.bits;
import static dev.coxswain.backend.contract.Placed.bytes;
import static dev.coxswain.backend.contract.Placed.longs;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.reference.CanonicalSteer;
import dev.coxswain.reference.SteerCase;
import dev.coxswain.reference.SteerReference;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Floats;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Seeds;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("contract")
class SteerTest {
  private static final long SEED = Seeds.next("SteerTest");
  private static final List<DType> DTYPES = List.of(DType.F32, DType.F16, DType.BF16);
  private static final float[] NONE = {};

  private static Backends backends;

  @BeforeAll
  static void open() {
    backends = new Backends(1, 3);
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
    for (DType dtype : DTYPES) {
      try (HostTensor x = Floats.tensor(dtype, a.x(), a.n(), a.d())) {
        for (SteerCase plan : SteerCases.of(a, SEED)) {
          check(plan, x.view(), new byte[0], dtype + " " + plan.rules());
        }
      }
    }
  }

  private static void check(SteerCase plan, TensorView x, byte[] selection, String where) {
    SteerExpected expected = SteerExpected.of(plan, x, selection);
    for (Backend backend : backends.all) {
      try (SteerKernel kernel = SteerCases.kernel(backend, plan)) {
        expected.check(backend, kernel, x, backend.name() + " " + where);
      }
    }
  }

  @Test
  void shouldShareManyRowsOutWithoutChangingThem() {
    Inputs.Arrays a = Inputs.rowsNotMultipleOfTile.draw(SEED);
    SteerCase plan = SteerCases.of(a, SEED).get(10);
    int times = Backends.sized(40, 3);
    float[] rows = new float[times * a.x().length];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = a.x()[i % a.x().length] + i / a.x().length;
    }
    try (HostTensor x = Floats.tensor(DType.F32, rows, (long) times * a.n(), a.d())) {
      check(plan, x.view(), new byte[0], "many rows");
    }
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void shouldAgreeWithDoublePrecision(Inputs inputs) {
    Inputs.Arrays a = inputs.draw(SEED);
    for (SteerCase plan : SteerCases.of(a, SEED)) {
      if (plan.rules().size() == 1) {
        compare(a, plan);
      }
    }
  }

  private static void compare(Inputs.Arrays a, SteerCase plan) {
    float[] steered = steer(backends.subject(), plan, a.x(), DType.F32).values();
    SteerCase.Rule rule = plan.rules().get(0);
    for (int row = 0; row < a.n(); row++) {
      double[] x = new double[a.d()];
      double largest = 1e-30;
      for (int e = 0; e < a.d(); e++) {
        x[e] = a.x()[row * a.d() + e];
        largest = Math.max(largest, Math.abs(x[e]));
      }
      if (!Double.isFinite(Arrays.stream(x).sum()) || isIllConditioned(rule, x)) {
        continue;
      }
      double[] expected = SteerReference.steer(plan, x).orElseThrow();
      for (double value : expected) {
        largest = Math.max(largest, Math.abs(value));
      }
      for (int e = 0; e < a.d(); e++) {
        assertEquals(
            expected[e], steered[row * a.d() + e], 2e-4 * largest, rule.kind() + " row " + row);
      }
    }
  }

  /** Rows steered in place, and what was counted. */
  private record Steered(float[] values, byte[] bytes, long[] counters) {}

  private static Steered steer(Backend backend, SteerCase plan, float[] rows, DType dtype) {
    try (HostTensor host = Floats.tensor(dtype, rows, rows.length / plan.d(), plan.d())) {
      return steer(backend, plan, host.view());
    }
  }

  private static Steered steer(Backend backend, SteerCase plan, TensorView host) {
    long stride = (long) plan.d() * host.dtype().bytes();
    try (HostTensor counters = HostTensor.allocate(DType.I64, SteerKernel.COUNTERS);
        TensorOwner x = backend.allocate(host.dtype(), host.shape());
        SteerKernel kernel = SteerCases.kernel(backend, plan)) {
      backend.copy(host, x.view());
      long at = x.view().address();
      long counts = counters.view().address();
      kernel.apply(at, stride, at, stride, host.rows(), host.dtype(), 0, counts);
      return new Steered(
          Placed.floats(backend, x.view()), bytes(backend, x.view()), longs(counters.view()));
    }
  }

  /** Where little is missing to τ, rounding decides how it is shared out. */
  private static boolean isIllConditioned(SteerCase.Rule rule, double[] x) {
    double[] h = SteerReference.read(x, rule.read(), rule.readBias());
    double most = 1 + Arrays.stream(h).max().orElse(0);
    return rule.kind() == SteerRule.Kind.ENFORCE
        && SteerReference.missing(rule, h) < 0.02 * most * rule.m();
  }

  @Test
  void shouldSteerSelectedRowsOnlyAndCopyTheOthers() {
    Inputs.Arrays a = Inputs.rowsNotMultipleOfTile.draw(SEED);
    SteerCase plan = SteerCases.of(a, SEED).get(10);
    byte[] selection = new byte[a.n()];
    for (int i = 0; i < selection.length; i++) {
      selection[i] = (byte) (i % 3 == 0 ? 0 : i);
    }
    for (DType dtype : DTYPES) {
      try (HostTensor x = Floats.tensor(dtype, a.x(), a.n(), a.d())) {
        check(plan, x.view(), selection, dtype + " selected");
      }
    }
  }

  @Test
  void shouldReturnTheInputBitForBitWhereThePlanDoesNothing() {
    int d = 37;
    float[] zeros = new float[d];
    Arrays.fill(zeros, -0f);
    zeros[5] = 1e-45f;
    zeros[7] = 3f;
    float[] direction = Inputs.fill(new SplittableRandom(SEED), d, 1f);
    float[] minusZero = new float[d];
    Arrays.fill(minusZero, -0f);
    List<SteerCase.Rule> rules =
        List.of(
            rule(SteerRule.Kind.AMPLIFY, direction, 10f, direction, NONE, 0f),
            rule(SteerRule.Kind.CALIBRATE, direction, -1e9f, direction, minusZero, 0f),
            rule(SteerRule.Kind.ENFORCE, direction, 10f, direction, NONE, 0f),
            rule(SteerRule.Kind.CLAMP, direction, -1e9f, direction, NONE, 0f));
    SteerCase plan = new SteerCase(d, rules, Optional.empty());
    for (Backend backend : backends.all) {
      for (DType dtype : DTYPES) {
        try (HostTensor x = Floats.tensor(dtype, zeros, 1, d)) {
          assertArrayEquals(
              bytes(x.view()),
              steer(backend, plan, x.view()).bytes(),
              backend.name() + " " + dtype);
        }
      }
    }
  }

  private static SteerCase.Rule rule(
      SteerRule.Kind kind,
      float[] read,
      float readBias,
      float[] write,
      float[] constant,
      float strength) {
    return new SteerCase.Rule(kind, read, new float[] {readBias}, write, constant, strength);
  }

  @Test
  void shouldKeepTheBitsOfRowsThatAreNotFiniteAndCountThem() {
    int d = 21;
    float[] ones = new float[d];
    Arrays.fill(ones, 1f);
    SteerCase plan =
        new SteerCase(
            d,
            List.of(new SteerCase.Rule(SteerRule.Kind.ADD, NONE, NONE, NONE, ones, 0f)),
            Optional.empty());
    for (Backend backend : backends.all) {
      for (DType dtype : DTYPES) {
        try (HostTensor x = Floats.tensor(dtype, new float[4 * d], 4, d)) {
          putSignallingNan(x.view().rows(1, 2), d - 1);
          putInfinity(x.view().rows(3, 4), 0);
          byte[] before = bytes(x.view());
          Steered steered = steer(backend, plan, x.view());
          int rowBytes = d * dtype.bytes();
          for (int row : new int[] {1, 3}) {
            assertArrayEquals(
                Arrays.copyOfRange(before, row * rowBytes, (row + 1) * rowBytes),
                Arrays.copyOfRange(steered.bytes(), row * rowBytes, (row + 1) * rowBytes),
                backend.name() + " " + dtype);
          }
          assertEquals(1f, steered.values()[3 * d - 1]);
          assertArrayEquals(new long[] {2, 0, 2, 0}, steered.counters(), backend.name());
        }
      }
    }
  }

  private static void putSignallingNan(TensorView row, int e) {
    long address = row.address() + (long) e * row.dtype().bytes();
    switch (row.dtype()) {
      case F32 -> HostMemory.putInt(address, 0xff80_1234);
      case F16 -> HostMemory.putShort(address, (short) 0xfc12);
      default -> HostMemory.putShort(address, (short) 0xff81);
    }
  }

  private static void putInfinity(TensorView row, int e) {
    long address = row.address() + (long) e * row.dtype().bytes();
    switch (row.dtype()) {
      case F32 -> HostMemory.putInt(address, 0x7f80_0000);
      case F16 -> HostMemory.putShort(address, (short) 0x7c00);
      default -> HostMemory.putShort(address, (short) 0x7f80);
    }
  }

  @Test
  void shouldClampAndCountWhatOverflowsTheStorageType() {
    int d = 19;
    for (DType dtype : DTYPES) {
      float large = Floats.largest(dtype);
      float[] push = new float[d];
      push[3] = large;
      push[18] = -large;
      push[4] = large / 4;
      SteerCase plan =
          new SteerCase(
              d,
              List.of(new SteerCase.Rule(SteerRule.Kind.ADD, NONE, NONE, NONE, push, 0f)),
              Optional.empty());
      float[] x = new float[d];
      x[3] = large;
      x[18] = -large / 2;
      x[4] = large / 4;
      for (Backend backend : backends.all) {
        Steered steered = steer(backend, plan, x, dtype);
        assertEquals(large, steered.values()[3], dtype.toString());
        assertEquals(-large, steered.values()[18], dtype.toString());
        assertEquals(Floats.round(dtype, large / 2), steered.values()[4], dtype.toString());
        assertArrayEquals(new long[] {1, 0, 0, 2}, steered.counters(), backend.name());
      }
    }
  }

  @Test
  void shouldKeepTheNormUnderEnforceAlsoAtTheEndsOfFloat32() {
    int d = 70;
    for (float size : new float[] {1e-30f, 1e-19f, 1f, 1e19f, 1e37f}) {
      float[] x = Inputs.fill(new SplittableRandom(SEED), d, size);
      float[] read = new float[d];
      float[] write = Inputs.fill(new SplittableRandom(SEED + 1), d, 1f);
      SteerCase plan =
          new SteerCase(
              d,
              List.of(rule(SteerRule.Kind.ENFORCE, read, 0f, write, NONE, size)),
              Optional.empty());
      for (Backend backend : backends.all) {
        float[] y = steer(backend, plan, x, DType.F32).values();
        assertEquals(1, norm(y) / norm(x), 1e-5, backend.name() + " " + size);
        assertArrayEquals(bits(CanonicalSteer.steer(plan, x).x()), bits(y), "" + size);
      }
    }
  }

  private static double norm(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum);
  }

  @Test
  void shouldRefuseRowsThatOverlapOrDoNotFit() {
    SteerCase plan = new SteerCase(8, List.of(), Optional.empty());
    Backend backend = backends.subject();
    try (TensorOwner x = backend.allocate(DType.F32, Shape.of(16, 8));
        SteerKernel kernel = SteerCases.kernel(backend, plan)) {
      long at = x.view().address();
      assertRefused(kernel, at, 32, at + 4, 32, 2, "the rows of y overlap those of x");
      assertRefused(kernel, at, 32, at + 32, 32, 2, "the rows of y overlap those of x");
      assertRefused(kernel, at, 28, at, 28, 2, "2 rows of 32 bytes, 28 and 28 apart");
      assertRefused(kernel, at, 32, 0, 32, 2, "address 0 for 2 rows");
      assertRefused(kernel, at, 32, at, 32, -1, "-1 rows of 32 bytes, 32 and 32 apart");
      kernel.apply(at, 64, at + 32, 64, 2, DType.F32, 0, 0); // two halves of one matrix
      kernel.apply(0, 32, 0, 32, 0, DType.F32, 0, 0);
    }
  }

  private static void assertRefused(
      SteerKernel kernel, long x, long xStride, long y, long yStride, long rows, String text) {
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> kernel.apply(x, xStride, y, yStride, rows, DType.F32, 0, 0));
    assertEquals(text, refused.getMessage());
  }

  @Test
  void shouldRefuseUseAfterClose() {
    SteerCase plan = new SteerCase(8, List.of(), Optional.empty());
    SteerKernel kernel = SteerCases.kernel(backends.subject(), plan);
    kernel.close();
    kernel.close();
    IllegalStateException refused =
        assertThrows(
            IllegalStateException.class, () -> kernel.apply(64, 32, 64, 32, 1, DType.F32, 0, 0));
    assertEquals("SteerKernel is closed", refused.getMessage());
  }
}
