package dev.coxswain.backend.cpu;

import static dev.coxswain.backend.cpu.EncodeTest.bits;
import static dev.coxswain.backend.cpu.SteerExpected.bytes;
import static dev.coxswain.backend.cpu.SteerExpected.longs;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.reference.CanonicalSteer;
import dev.coxswain.reference.SteerCase;
import dev.coxswain.reference.SteerReference;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SteerTest {
  private static final long SEED = Seeds.next("SteerTest");
  private static final List<DType> DTYPES = List.of(DType.F32, DType.F16, DType.BF16);
  private static final float[] NONE = {};

  private static List<CpuBackend> backends;

  @BeforeAll
  static void openOneBackendAnIsaAndThreadCount() {
    backends =
        CpuBackend.supportedIsas().stream()
            .flatMap(isa -> Stream.of(1, 3).map(threads -> CpuBackend.open(threads, isa)))
            .toList();
  }

  @AfterAll
  static void close() {
    backends.forEach(CpuBackend::close);
  }

  static Stream<Inputs> inputs() {
    return Inputs.all();
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void shouldGiveTheCanonicalBitsOnEveryIsaAndThreadCount(Inputs inputs) {
    Inputs.Arrays a = inputs.draw(SEED);
    for (DType dtype : DTYPES) {
      try (Placed placed = new Placed(a)) {
        TensorView x = placed.x(dtype);
        for (SteerCase plan : SteerCases.of(a, SEED)) {
          SteerExpected expected = SteerExpected.of(plan, x, new byte[0]);
          for (CpuBackend backend : backends) {
            try (SteerKernel kernel = SteerCases.kernel(backend, plan)) {
              expected.check(kernel, x, backend.name() + " " + plan.rules());
            }
          }
        }
      }
    }
  }

  @Test
  void shouldShareManyRowsOutWithoutChangingThem() {
    Inputs.Arrays a = Inputs.rowsNotMultipleOfTile.draw(SEED);
    try (Placed placed = new Placed(a)) {
      SteerCase plan = SteerCases.of(a, SEED).get(10);
      float[] rows = new float[40 * a.x().length];
      for (int i = 0; i < rows.length; i++) {
        rows[i] = a.x()[i % a.x().length] + i / a.x().length;
      }
      TensorView x = placed.own(Floats.tensor(DType.F32, rows, 40L * a.n(), a.d()));
      SteerExpected expected = SteerExpected.of(plan, x, new byte[0]);
      for (CpuBackend backend : backends) {
        try (SteerKernel kernel = SteerCases.kernel(backend, plan)) {
          expected.check(kernel, x, backend.name());
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void shouldAgreeWithDoublePrecision(Inputs inputs) {
    Inputs.Arrays a = inputs.draw(SEED);
    try (Placed placed = new Placed(a)) {
      for (SteerCase plan : SteerCases.of(a, SEED)) {
        if (plan.rules().size() == 1) {
          compare(a, plan, placed);
        }
      }
    }
  }

  private static void compare(Inputs.Arrays a, SteerCase plan, Placed placed) {
    TensorView y = placed.x(DType.F32);
    try (SteerKernel kernel = SteerCases.kernel(backends.get(0), plan)) {
      kernel.apply(y.address(), 4L * a.d(), y.address(), 4L * a.d(), a.n(), DType.F32, 0, 0);
    }
    float[] steered = Floats.of(y);
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
    byte[] selection = new byte[a.n()];
    for (int i = 0; i < selection.length; i++) {
      selection[i] = (byte) (i % 3 == 0 ? 0 : i);
    }
    try (Placed placed = new Placed(a)) {
      for (DType dtype : DTYPES) {
        TensorView x = placed.x(dtype);
        SteerCase plan = SteerCases.of(a, SEED).get(10);
        SteerExpected expected = SteerExpected.of(plan, x, selection);
        for (CpuBackend backend : backends) {
          try (SteerKernel kernel = SteerCases.kernel(backend, plan)) {
            expected.check(kernel, x, backend.name());
          }
        }
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
    for (DType dtype : DTYPES) {
      try (HostTensor x = Floats.tensor(dtype, zeros, 1, d);
          SteerKernel kernel =
              SteerCases.kernel(backends.get(0), new SteerCase(d, rules, Optional.empty()))) {
        byte[] before = bytes(x.view());
        long stride = (long) d * dtype.bytes();
        long address = x.view().address();
        kernel.apply(address, stride, address, stride, 1, dtype, 0, 0);
        assertArrayEquals(before, bytes(x.view()), dtype.toString());
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
    for (CpuBackend backend : backends) {
      for (DType dtype : DTYPES) {
        try (HostTensor x = Floats.tensor(dtype, new float[4 * d], 4, d);
            HostTensor y = HostTensor.allocate(dtype, 4, d);
            HostTensor counters = HostTensor.allocate(DType.I64, SteerKernel.COUNTERS);
            SteerKernel kernel = SteerCases.kernel(backend, plan)) {
          putSignallingNan(x.view().rows(1, 2), d - 1);
          putInfinity(x.view().rows(3, 4), 0);
          byte[] before = bytes(x.view());
          long stride = (long) d * dtype.bytes();
          long from = x.view().address();
          long to = y.view().address();
          kernel.apply(from, stride, to, stride, 4, dtype, 0, counters.view().address());
          int rowBytes = (int) stride;
          byte[] after = bytes(y.view());
          for (int row : new int[] {1, 3}) {
            assertArrayEquals(
                Arrays.copyOfRange(before, row * rowBytes, (row + 1) * rowBytes),
                Arrays.copyOfRange(after, row * rowBytes, (row + 1) * rowBytes),
                backend.name() + " " + dtype);
          }
          assertEquals(1f, Floats.of(y.view().rows(2, 3))[d - 1]);
          assertArrayEquals(new long[] {2, 0, 2, 0}, longs(counters.view()));
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
      for (CpuBackend backend : backends) {
        try (HostTensor rows = Floats.tensor(dtype, x, 1, d);
            HostTensor counters = HostTensor.allocate(DType.I64, SteerKernel.COUNTERS);
            SteerKernel kernel = SteerCases.kernel(backend, plan)) {
          long address = rows.view().address();
          long stride = (long) d * dtype.bytes();
          kernel.apply(address, stride, address, stride, 1, dtype, 0, counters.view().address());
          float[] y = Floats.of(rows.view());
          assertEquals(large, y[3], dtype.toString());
          assertEquals(-large, y[18], dtype.toString());
          assertEquals(Floats.round(dtype, large / 2), y[4], dtype.toString());
          assertArrayEquals(new long[] {1, 0, 0, 2}, longs(counters.view()), backend.name());
        }
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
      for (CpuBackend backend : backends) {
        try (HostTensor rows = Floats.tensor(DType.F32, x, 1, d);
            SteerKernel kernel = SteerCases.kernel(backend, plan)) {
          long address = rows.view().address();
          kernel.apply(address, 4L * d, address, 4L * d, 1, DType.F32, 0, 0);
          float[] y = Floats.of(rows.view());
          assertEquals(1, norm(y) / norm(x), 1e-5, backend.name() + " " + size);
          assertArrayEquals(bits(CanonicalSteer.steer(plan, x).x()), bits(y), "" + size);
        }
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
    try (HostTensor x = HostTensor.allocate(DType.F32, 16, 8);
        SteerKernel kernel = SteerCases.kernel(backends.get(0), plan)) {
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
    SteerKernel kernel = SteerCases.kernel(backends.get(0), plan);
    kernel.close();
    kernel.close();
    IllegalStateException refused =
        assertThrows(
            IllegalStateException.class, () -> kernel.apply(64, 32, 64, 32, 1, DType.F32, 0, 0));
    assertEquals("SteerKernel is closed", refused.getMessage());
  }
}
