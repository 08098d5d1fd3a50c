package dev.coxswain.backend.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.TrainReport;
import dev.coxswain.backend.TrainState;
import dev.coxswain.backend.TrainStep;
import dev.coxswain.reference.TrainReference;
import dev.coxswain.reference.TrainReference.Forward;
import dev.coxswain.reference.TrainReference.Parameters;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("contract")
class TrainStepTest {
  private static final long SEED = Seeds.next("TrainStepTest");
  private static final long DEAD_AFTER = 1000;

  private static Backends backends;

  private final Random random = new Random(SEED);

  @BeforeAll
  static void open() {
    backends = new Backends(1, 2, 5);
  }

  @AfterAll
  static void close() {
    backends.close();
  }

  @ParameterizedTest
  @CsvSource({
    // rows, d, F, k, kAux, dead
    "37, 24, 96, 8, 5, 20",
    "37, 24, 96, 8, 0, 20",
    "64, 576, 40, 3, 50, 7",
    "2, 1, 5, 1, 1, 2",
    "5, 300, 33, 33, 4, 33",
    "130, 17, 70, 4, 6, 0"
  })
  void shouldStepAsTheDoubleReferenceDoes(int rows, int d, int f, int k, int kAux, int dead) {
    TrainStep step = step(k, kAux, 7);
    Case drawn = Case.draw(random, rows, d, f, dead, step);
    try (Tensors tensors = new Tensors(backends.subject(), drawn)) {
      TrainReport report = tensors.backend.trainStep(tensors.state(), step, tensors.x);
      Parameters before = drawn.p.copy();
      Parameters p = drawn.p.copy();
      Parameters m = drawn.m.copy();
      Parameters v = drawn.v.copy();
      long[] sinceFired = drawn.sinceFired.clone();
      Forward forward = TrainReference.step(p, m, v, sinceFired, drawn.x, step);

      assertEquals(forward.fvu(), report.fvu(), 1e-5 * forward.fvu());
      assertEquals(forward.auxLoss(), report.auxLoss(), 1e-5);
      assertEquals(forward.loss(step), report.loss(), 1e-5 * forward.loss(step));
      assertEquals(dead, report.deadFeatures());
      assertEquals(active(forward), report.activeFeatures());
      assertArrayEquals(sinceFired, tensors.sinceFired());
      assertNear(m, Parameters.zeros(f, d), tensors.moments(0), "m");
      assertNear(v, Parameters.zeros(f, d), tensors.moments(1), "v");
      assertNear(p, before, tensors.parameters(), "parameters");
    }
  }

  @Test
  void shouldGiveTheSameBitsOnEveryBackend() {
    TrainStep step = step(6, 9, 3);
    Case drawn = Case.draw(random, 75, 83, 200, 60, step);
    List<int[]> all = new ArrayList<>();
    for (Backend backend : backends.all) {
      try (Tensors tensors = new Tensors(backend, drawn)) {
        for (int repeat = 0; repeat < 3; repeat++) {
          backend.trainStep(tensors.state(), step, tensors.x);
        }
        all.add(tensors.bits());
      }
      assertArrayEquals(all.get(0), all.get(all.size() - 1), backend.name());
    }
  }

  @Test
  void shouldKeepDecoderRowsAtUnitNormAndUpdateRowsWithoutTokens() {
    TrainStep step = step(2, 0, 5);
    Case drawn = Case.draw(random, 6, 20, 50, 0, step);
    try (Tensors tensors = new Tensors(backends.subject(), drawn)) {
      float[] before = tensors.floats(tensors.wEnc);
      tensors.backend.trainStep(tensors.state(), step, tensors.x);
      float[] after = tensors.floats(tensors.wEnc);
      float[] wDec = tensors.floats(tensors.wDec);
      for (int c = 0; c < 50; c++) {
        double squares = 0;
        boolean moved = false;
        for (int e = 0; e < 20; e++) {
          squares += (double) wDec[20 * c + e] * wDec[20 * c + e];
          moved |= before[20 * c + e] != after[20 * c + e];
        }
        assertEquals(1, squares, 1e-6, "row " + c);
        assertTrue(moved, "Adam's moments move row " + c + " although at most 12 of 50 fired");
      }
    }
  }

  @Test
  void shouldMoveNothingByTheLossOfABatchWithoutVariance() {
    TrainStep step = step(3, 0, 1);
    Case drawn = Case.draw(random, 1, 10, 12, 0, step);
    try (Tensors tensors = new Tensors(backends.subject(), drawn)) {
      tensors.forgetMoments();
      float[] before = tensors.floats(tensors.wEnc);
      TrainReport report = tensors.backend.trainStep(tensors.state(), step, tensors.x);
      assertEquals(0, report.loss());
      assertArrayEquals(before, tensors.floats(tensors.wEnc));
    }
  }

  @Test
  void shouldRefuseWhatItCannotTrainOn() {
    TrainStep step = step(3, 0, 1);
    Case drawn = Case.draw(random, 4, 10, 12, 0, step);
    try (Tensors tensors = new Tensors(backends.subject(), drawn);
        TensorOwner narrow = tensors.backend.allocate(DType.F32, Shape.of(4, 9));
        TensorOwner none = tensors.backend.allocate(DType.F32, Shape.of(0, 10))) {
      assertRefused(tensors, step, narrow.view(), "x is F32 [4, 9]; F32 [4, 10] is needed");
      assertRefused(tensors, step, none.view(), "0 rows; a step needs 1 to 2^31-1");
      assertRefused(tensors, step(0, 0, 1), tensors.x, "k = 0 is not between 1 and F = 12");
      assertRefused(tensors, step(13, 0, 1), tensors.x, "k = 13 is not between 1 and F = 12");
    }
  }

  private static void assertRefused(Tensors tensors, TrainStep step, TensorView x, String message) {
    IllegalArgumentException refusal =
        assertThrows(
            IllegalArgumentException.class,
            () -> tensors.backend.trainStep(tensors.state(), step, x));
    assertEquals(message, refusal.getMessage());
  }

  private static TrainStep step(int k, int kAux, long number) {
    return new TrainStep(k, kAux, 1f / 32, DEAD_AFTER, number, 2e-3f, 0.9f, 0.999f, 6.25e-10f);
  }

  private static long active(Forward forward) {
    long active = 0;
    for (double[] row : forward.a()) {
      for (double a : row) {
        active += a > 0 ? 1 : 0;
      }
    }
    return active;
  }

  /** Errors relative to the norm of what the step changed, tensor by tensor. */
  private static void assertNear(Parameters want, Parameters origin, Parameters got, String what) {
    assertNear(want.wEnc(), origin.wEnc(), got.wEnc(), what + " W_enc");
    assertNear(want.wDec(), origin.wDec(), got.wDec(), what + " W_dec");
    double[][] wantB = {want.bEnc()};
    assertNear(wantB, new double[][] {origin.bEnc()}, new double[][] {got.bEnc()}, what + " b_enc");
    double[][] wantD = {want.bDec()};
    assertNear(wantD, new double[][] {origin.bDec()}, new double[][] {got.bDec()}, what + " b_dec");
  }

  private static void assertNear(double[][] want, double[][] origin, double[][] got, String what) {
    double error = 0;
    double change = 0;
    double size = 0;
    for (int i = 0; i < want.length; i++) {
      for (int j = 0; j < want[i].length; j++) {
        error += Math.pow(want[i][j] - got[i][j], 2);
        change += Math.pow(want[i][j] - origin[i][j], 2);
        size += Math.pow(want[i][j], 2);
      }
    }
    // The stored float32 itself rounds by up to 2^-24 of its size.
    double allowed = 2e-5 * Math.sqrt(change) + 0x1p-24 * Math.sqrt(size);
    assertTrue(
        Math.sqrt(error) <= allowed,
        what + ": error " + Math.sqrt(error) + ", allowed " + allowed + ", seed " + SEED);
  }

  /** Random numbers that float32 holds exactly, without near ties at the edge of a selection. */
  private record Case(Parameters p, Parameters m, Parameters v, long[] sinceFired, double[][] x) {
    static Case draw(Random random, int rows, int d, int f, int dead, TrainStep step) {
      while (true) {
        Case drawn = once(random, rows, d, f, dead);
        boolean[] isDead = new boolean[f];
        for (int c = 0; c < f; c++) {
          isDead[c] = drawn.sinceFired[c] >= step.deadAfter();
        }
        if (TrainReference.forward(drawn.p, drawn.x, step, isDead).smallestGap() > 1e-5) {
          return drawn;
        }
      }
    }

    private static Case once(Random random, int rows, int d, int f, int dead) {
      Parameters p = Parameters.zeros(f, d);
      Parameters m = Parameters.zeros(f, d);
      Parameters v = Parameters.zeros(f, d);
      fill(random, p, 0.5, false);
      fill(random, m, 1e-3, false);
      fill(random, v, 1e-5, true);
      for (double[] row : p.wDec()) {
        double norm = Math.sqrt(Arrays.stream(row).map(e -> e * e).sum());
        for (int e = 0; e < d; e++) {
          row[e] = (float) (row[e] / norm);
        }
      }
      long[] sinceFired = new long[f];
      for (int c = 0; c < f; c++) {
        sinceFired[c] = c < dead ? DEAD_AFTER + random.nextInt(50) : random.nextInt(900);
      }
      double[][] x = new double[rows][d];
      for (double[] row : x) {
        for (int e = 0; e < d; e++) {
          row[e] = (float) (0.3 + random.nextGaussian());
        }
      }
      return new Case(p, m, v, sinceFired, x);
    }

    private static void fill(Random random, Parameters parameters, double size, boolean squares) {
      for (double[] part : parameters.arrays()) {
        for (int j = 0; j < part.length; j++) {
          double value = size * random.nextGaussian();
          part[j] = (float) (squares ? size / 10 + Math.abs(value) : value);
        }
      }
    }
  }

  /** A case in a backend's memory. */
  private static final class Tensors implements AutoCloseable {
    private final Backend backend;
    private final int f;
    private final int d;
    private final List<TensorOwner> owned = new ArrayList<>();
    private final TensorView wEnc;
    private final TensorView bEnc;
    private final TensorView wDec;
    private final TensorView bDec;
    private final TensorView m;
    private final TensorView v;
    private final TensorView sinceFired;
    private final TensorView x;

    Tensors(Backend backend, Case drawn) {
      this.backend = backend;
      f = drawn.p.features();
      d = drawn.p.width();
      wEnc = place(flat(drawn.p.wEnc()), f, d);
      bEnc = place(flat(drawn.p.bEnc()), f);
      wDec = place(flat(drawn.p.wDec()), f, d);
      bDec = place(flat(drawn.p.bDec()), d);
      float[] first = flat(drawn.m.arrays());
      m = place(first, first.length);
      v = place(flat(drawn.v.arrays()), first.length);
      x = place(flat(drawn.x), drawn.x.length, d);
      HostTensor since = HostTensor.allocate(DType.I64, f);
      for (int c = 0; c < f; c++) {
        HostMemory.putLong(since.view().address() + 8L * c, drawn.sinceFired[c]);
      }
      sinceFired = place(since);
    }

    private TensorView place(float[] values, long... extents) {
      return place(HostTensor.ofFloats(Shape.of(extents), values));
    }

    /** To memory of the backend's own, since the step changes it. */
    private TensorView place(HostTensor host) {
      try (host) {
        TensorOwner owner = backend.allocate(host.dtype(), host.shape());
        owned.add(owner);
        backend.copy(host.view(), owner.view());
        return owner.view();
      }
    }

    TrainState state() {
      return new TrainState(wEnc, bEnc, wDec, bDec, m, v, sinceFired);
    }

    void forgetMoments() {
      try (HostTensor zero = HostTensor.allocate(DType.F32, m.shape())) {
        backend.copy(zero.view(), m);
        backend.copy(zero.view(), v);
      }
    }

    float[] floats(TensorView view) {
      return Placed.floats(backend, view);
    }

    Parameters parameters() {
      Parameters p = Parameters.zeros(f, d);
      unflatten(floats(wEnc), p.wEnc());
      unflatten(floats(bEnc), p.bEnc());
      unflatten(floats(wDec), p.wDec());
      unflatten(floats(bDec), p.bDec());
      return p;
    }

    /** 0: m, 1: v. */
    Parameters moments(int which) {
      Parameters p = Parameters.zeros(f, d);
      unflatten(floats(which == 0 ? m : v), p.arrays());
      return p;
    }

    long[] sinceFired() {
      return Placed.longs(backend, sinceFired);
    }

    int[] bits() {
      return Stream.of(wEnc, bEnc, wDec, bDec, m, v)
          .map(this::floats)
          .flatMapToInt(values -> Arrays.stream(Placed.bits(values)))
          .toArray();
    }

    private static float[] flat(double[]... parts) {
      int size = Arrays.stream(parts).mapToInt(part -> part.length).sum();
      float[] all = new float[size];
      int at = 0;
      for (double[] part : parts) {
        for (double value : part) {
          all[at++] = (float) value;
        }
      }
      return all;
    }

    private static void unflatten(float[] values, double[]... parts) {
      int at = 0;
      for (double[] part : parts) {
        for (int j = 0; j < part.length; j++) {
          part[j] = values[at++];
        }
      }
    }

    @Override
    public void close() {
      owned.forEach(TensorOwner::close);
    }
  }
}
