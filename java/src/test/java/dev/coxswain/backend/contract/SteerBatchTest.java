package dev.coxswain.backend.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.SteerBatch;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.reference.SteerCase;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.MemorySpace;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.testing.Floats;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rows of many plans at once, in the backend's memory and in the host's. */
@Tag("contract")
class SteerBatchTest {
  private static final long SEED = Seeds.next("SteerBatchTest");
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

  /** Plans, rows, and which row has which plan. */
  private record Batch(List<SteerCase> plans, float[] x, int[] rowPlans) {
    int n() {
      return rowPlans.length;
    }

    int d() {
      return plans.get(0).d();
    }

    Batch with(int... otherRowPlans) {
      return new Batch(plans, Arrays.copyOf(x, otherRowPlans.length * d()), otherRowPlans);
    }
  }

  private static Batch mixed() {
    Inputs.Arrays a = Inputs.rowsNotMultipleOfTile.draw(SEED);
    List<SteerCase> cases = SteerCases.of(a, SEED);
    int[] rowPlans = new int[a.n()];
    for (int i = 0; i < rowPlans.length; i++) {
      rowPlans[i] = i % 5 - 1;
    }
    float[] x = a.x().clone();
    x[2 * a.d() + 1] = Float.NaN;
    x[4 * a.d() - 1] = Float.NEGATIVE_INFINITY;
    return new Batch(
        List.of(cases.get(10), cases.get(11), cases.get(5), cases.get(12)), x, rowPlans);
  }

  @Test
  void shouldSteerEachRowByItsOwnPlanAndLeaveTheOthersAlone() {
    Batch batch = mixed();
    int[] oneEach = {3, 2, 1, 0, -1, 2};
    int[] samePlan = new int[batch.n()];
    for (Backend backend : backends.all) {
      for (MemorySpace space : spaces(backend)) {
        for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16)) {
          try (Run run = new Run(backend, batch.plans())) {
            run.check(batch, dtype, space);
            run.check(batch, dtype, space);
            run.check(batch.with(oneEach), dtype, space);
            run.check(batch.with(samePlan), dtype, space);
            run.check(batch.with(-1, -1, -1), dtype, space);
            run.check(batch, dtype, space);
          }
        }
      }
    }
  }

  private static List<MemorySpace> spaces(Backend backend) {
    return backend.space().isHost()
        ? List.of(MemorySpace.HOST)
        : List.of(backend.space(), MemorySpace.HOST);
  }

  /** Rows and feature sets on both sides of what one block of a GPU can hold. */
  @ParameterizedTest
  @CsvSource({"1024, 300, 11", "300, 1000, 3", "9000, 3, 9", "20000, 2, 3", "60001, 2, 2"})
  void shouldSteerByPlansOfAnySizeBesideSmallOnes(int d, int m, int n) {
    SplittableRandom random = new SplittableRandom(SEED + d);
    List<SteerCase.Rule> rules = new ArrayList<>();
    for (SteerRule.Kind kind : SteerRule.Kind.values()) {
      rules.add(rule(kind, d, m, random));
    }
    SteerCase.Condition condition =
        new SteerCase.Condition(fill(random, 2 * d, d), Inputs.fill(random, 2, 0.1f), 0.01f);
    List<SteerCase> plans =
        List.of(
            new SteerCase(d, rules, Optional.of(condition)),
            new SteerCase(d, List.of(rule(SteerRule.Kind.CLAMP, d, 2, random)), Optional.empty()));
    int[] rowPlans = new int[n];
    for (int i = 0; i < n; i++) {
      rowPlans[i] = i % 5 == 4 ? 1 : 0;
    }
    Batch batch = new Batch(plans, Inputs.fill(random, n * d, 1f), rowPlans);
    for (Backend backend : backends.all) {
      try (Run run = new Run(backend, plans)) {
        run.check(batch, DType.F32, backend.space());
        run.check(batch, DType.BF16, backend.space());
      }
    }
  }

  private static float[] fill(SplittableRandom random, int count, int d) {
    return Inputs.fill(random, count, (float) Math.sqrt(3.0 / d));
  }

  private static SteerCase.Rule rule(SteerRule.Kind kind, int d, int m, SplittableRandom random) {
    boolean reads = kind != SteerRule.Kind.ADD;
    boolean shifts = kind == SteerRule.Kind.ADD || kind == SteerRule.Kind.CALIBRATE;
    return new SteerCase.Rule(
        kind,
        reads ? fill(random, m * d, d) : NONE,
        reads ? Inputs.fill(random, m, 0.1f) : NONE,
        reads ? fill(random, m * d, d) : NONE,
        shifts ? Inputs.fill(random, d, 0.1f) : NONE,
        shifts ? 0 : 0.7f);
  }

  /** One backend's kernels and batch; counters grow from check to check. */
  private static final class Run implements AutoCloseable {
    private final Backend backend;
    private final SteerKernel[] kernels;
    private final SteerBatch batch;
    private final HostTensor counters = HostTensor.allocate(DType.I64, SteerKernel.COUNTERS);

    Run(Backend backend, List<SteerCase> plans) {
      this.backend = backend;
      this.kernels =
          plans.stream().map(plan -> SteerCases.kernel(backend, plan)).toArray(SteerKernel[]::new);
      this.batch = backend.steerBatch();
    }

    /** Rows apart from one another by three elements, which nobody may touch. */
    void check(Batch given, DType dtype, MemorySpace space) {
      String where = backend.name() + " " + dtype + " in " + space;
      int pitch = given.d() + 3;
      float[] spread = new float[given.n() * pitch];
      Arrays.fill(spread, 7f);
      for (int i = 0; i < given.n(); i++) {
        System.arraycopy(given.x(), i * given.d(), spread, i * pitch, given.d());
      }
      HostMemory.fill(counters.view().address(), counters.view().byteSize(), (byte) 0);
      try (HostTensor host = Floats.tensor(dtype, spread, given.n(), pitch);
          HostTensor rowKernels = HostTensor.ofInts(Shape.of(given.n()), given.rowPlans())) {
        byte[] expected = Placed.bytes(host.view());
        long[] counted = expect(given, dtype, pitch, expected);
        byte[] steered = apply(host, rowKernels, pitch, space);
        int rowBytes = pitch * dtype.bytes();
        for (int i = 0; i < given.n(); i++) {
          assertArrayEquals(
              Arrays.copyOfRange(expected, i * rowBytes, (i + 1) * rowBytes),
              Arrays.copyOfRange(steered, i * rowBytes, (i + 1) * rowBytes),
              where + " row " + i + " of plan " + given.rowPlans()[i]);
        }
        assertArrayEquals(counted, Placed.longs(counters.view()), where);
      }
    }

    private byte[] apply(HostTensor host, HostTensor rowKernels, int pitch, MemorySpace space) {
      DType dtype = host.dtype();
      long n = host.shape().extent(0);
      long stride = (long) pitch * dtype.bytes();
      long plans = rowKernels.view().address();
      try (TensorOwner device = backend.allocate(dtype, host.shape())) {
        backend.copy(host.view(), device.view());
        long rows = space.isHost() ? host.view().address() : device.view().address();
        batch.apply(kernels, kernels.length, plans, rows, stride, n, dtype, space, 0);
        byte[] steered = space.isHost() ? Placed.bytes(host.view()) : afterTheDefaultStream(device);
        batch.count(counters.view().address());
        return steered;
      }
    }

    /** Steers rows of float32 that lie side by side. */
    void apply(float[] x, int d, int[] rowPlans) {
      try (HostTensor host =
              Floats.tensor(DType.F32, Arrays.copyOf(x, rowPlans.length * d), rowPlans.length, d);
          HostTensor rowKernels = HostTensor.ofInts(Shape.of(rowPlans.length), rowPlans)) {
        apply(host, rowKernels, d, backend.space());
      }
    }

    /** The default stream's work is waited for where memory is freed. */
    private byte[] afterTheDefaultStream(TensorOwner device) {
      backend.allocate(DType.U8, device.view().shape()).close();
      return Placed.bytes(backend, device.view());
    }

    @Override
    public void close() {
      batch.close();
      for (SteerKernel kernel : kernels) {
        kernel.close();
      }
      counters.close();
    }
  }

  /** Steers the rows that lie in {@code bytes} as plain Java does it; returns the counters. */
  private static long[] expect(Batch batch, DType dtype, int pitch, byte[] bytes) {
    long[] counters = new long[SteerKernel.COUNTERS];
    int rowBytes = batch.d() * dtype.bytes();
    for (int i = 0; i < batch.n(); i++) {
      if (batch.rowPlans()[i] >= 0) {
        float[] row = Arrays.copyOfRange(batch.x(), i * batch.d(), (i + 1) * batch.d());
        try (HostTensor x = Floats.tensor(dtype, row, 1, batch.d())) {
          SteerCase plan = batch.plans().get(batch.rowPlans()[i]);
          SteerExpected one = SteerExpected.of(plan, x.view(), new byte[0]);
          System.arraycopy(one.y(), 0, bytes, i * pitch * dtype.bytes(), rowBytes);
          for (int c = 0; c < counters.length; c++) {
            counters[c] += one.counters()[c];
          }
        }
      }
    }
    return counters;
  }

  @Test
  void shouldRefuseRowsWhosePlanDoesNotExist() {
    Batch batch = mixed();
    for (Backend backend : backends.all) {
      try (Run run = new Run(backend, batch.plans())) {
        for (int wrong : new int[] {4, -2}) {
          IllegalArgumentException refused =
              assertThrows(
                  IllegalArgumentException.class,
                  () -> run.apply(batch.x(), batch.d(), new int[] {0, wrong}));
          assertEquals(
              "row 1 has kernel " + wrong + "; it must be -1 or below 4", refused.getMessage());
        }
      }
    }
  }
}
