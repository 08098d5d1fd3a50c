package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.backend.ExplainOptions.Objective;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Seeds;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What only CUDA has: plans, tiles, kept logits, lists in memory. The bits are always the CPU's.
 */
@Tag("cuda")
class CudaExplainTest {
  private static final long SEED = Seeds.next("CudaExplainTest");

  private static CpuBackend cpu;
  private static CudaBackend cuda;
  private static CudaDevice device;

  @BeforeAll
  static void open() {
    cpu = CpuBackend.open(2);
    cuda = CudaBackend.open(0);
    device = CudaDevice.open(CudaDriver.get(), 0);
  }

  @AfterAll
  static void close() {
    device.close();
    cuda.close();
    cpu.close();
  }

  /** One explanation's inputs. */
  private record Problem(float[] u, float[] e, int d, int top, ExplainOptions options) {
    static Problem drawn(int features, int words, int d, int top, float size) {
      SplittableRandom random = new SplittableRandom(SEED + features + words + d);
      return new Problem(
          Inputs.fill(random, features * d, size),
          Inputs.fill(random, words * d, size),
          d,
          top,
          new ExplainOptions(Objective.MI, 1, 1, features));
    }

    Problem with(Objective objective, float alpha, float beta) {
      return new Problem(
          u, e, d, top, new ExplainOptions(objective, alpha, beta, options.features()));
    }

    ExplainRun.Result onCpu() {
      try (ExplainRun run = new ExplainRun(cpu, u, e, d, top)) {
        cpu.explainStatistics(run.whole(Optional.empty()), options, run.rows, run.columns);
        cpu.explainTop(run.whole(Optional.empty()), options, run.rows, run.columns, run.best());
        return run.result();
      }
    }

    /** As the backend plans it. */
    ExplainRun.Result onCuda() {
      try (ExplainRun run = new ExplainRun(cuda, u, e, d, top)) {
        cuda.explainStatistics(run.whole(Optional.empty()), options, run.rows, run.columns);
        cuda.explainTop(run.whole(Optional.empty()), options, run.rows, run.columns, run.best());
        return run.result();
      }
    }

    ExplainRun.Result onCuda(ExplainPlan plan) {
      try (ExplainRun run = new ExplainRun(cuda, u, e, d, top);
          CudaLane lane = device.lane()) {
        CudaExplain.statistics(
            lane, plan, run.whole(Optional.empty()), options, run.rows, run.columns);
        CudaExplain.top(
            lane, plan, run.whole(Optional.empty()), options, run.rows, run.columns, run.best());
        return run.result();
      }
    }

    /** The first pass's logits kept for the second, shard by shard. */
    ExplainRun.Result onCudaKeeping(int shard) {
      try (ExplainRun run = new ExplainRun(cuda, u, e, d, top);
          Rooms rooms = new Rooms(run.features(), e.length / d, shard)) {
        for (int from = 0; from < run.features(); from += shard) {
          int to = Math.min(run.features(), from + shard);
          cuda.explainStatistics(
              run.shard(from, to, rooms.at(from)), options, run.rows.rows(from, to), run.columns);
        }
        for (int from = 0; from < run.features(); from += shard) {
          int to = Math.min(run.features(), from + shard);
          cuda.explainTop(
              run.shard(from, to, rooms.at(from)),
              options,
              run.rows.rows(from, to),
              run.columns,
              run.best(from, to));
        }
        return run.result();
      }
    }
  }

  /** Room for every shard's logits. */
  private static final class Rooms implements AutoCloseable {
    private final TensorOwner[] rooms;
    private final int shard;

    Rooms(int features, int words, int shard) {
      this.shard = shard;
      this.rooms = new TensorOwner[(features + shard - 1) / shard];
      for (int i = 0; i < rooms.length; i++) {
        int count = Math.min(shard, features - i * shard);
        rooms[i] = cuda.explainLogits(count, words).orElseThrow();
      }
    }

    Optional<dev.coxswain.tensor.TensorView> at(int from) {
      return Optional.of(rooms[from / shard].view());
    }

    @Override
    public void close() {
      for (TensorOwner room : rooms) {
        room.close();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "65, 130, 3",
    "129, 65, 8",
    "3, 257, 12",
    "66, 5, 255",
    "70, 131, 256",
    "9, 70, 257",
    "5, 129, 1028"
  })
  void shouldGiveTheCpusBitsForEveryWidthAndTail(int features, int words, int d) {
    Problem problem = Problem.drawn(features, words, d, Math.min(5, words), 1.5f);
    problem.onCpu().assertSame(problem.onCuda(), "as planned");
  }

  @ParameterizedTest
  @EnumSource(Objective.class)
  void shouldGiveTheCpusBitsForOtherTemperatures(Objective objective) {
    Problem problem = Problem.drawn(150, 140, 20, 8, 2).with(objective, 0.7f, 2.5f);
    problem.onCpu().assertSame(problem.onCuda(), objective.name());
  }

  @Test
  void shouldGiveTheSameBitsHoweverFeaturesAreCutAndWhetherLogitsAreKept() {
    Problem problem = Problem.drawn(300, 150, 17, 6, 1.5f);
    ExplainRun.Result expected = problem.onCpu();
    expected.assertSame(problem.onCudaKeeping(128), "kept, shards of 128");
    expected.assertSame(problem.onCudaKeeping(300), "kept, one shard");
    expected.assertSame(
        problem.onCuda(new ExplainPlan(300, 150, 17, 6, false, 128, 3)), "chunks of 128");
    expected.assertSame(
        problem.onCuda(new ExplainPlan(300, 150, 17, 6, false, 256, 1)), "chunks of 256, one list");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 200, 400, 700})
  void shouldKeepAnyNumberOfWords(int top) {
    Problem problem = Problem.drawn(3, 700, 5, top, 2);
    problem.onCpu().assertSame(problem.onCuda(), "M = " + top);
  }

  @Test
  void shouldReturnTheLowerWordFirstWhereMoreScoresTieThanABufferHolds() {
    int words = 600;
    int d = 4;
    Problem drawn = Problem.drawn(2, words, d, 300, 1);
    for (int w = 2; w < words; w++) {
      System.arraycopy(drawn.e(), w % 2 * d, drawn.e(), w * d, d);
    }
    ExplainRun.Result result = drawn.onCuda();
    drawn.onCpu().assertSame(result, "two kinds of words");
    for (int i = 1; i < 300; i++) {
      assertEquals(result.words()[0] + 2 * i, result.words()[i]);
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {1e3f, 1e-3f, 1e-18f, 1e-23f})
  void shouldGiveTheCpusBitsForHugeAndTinyLogits(float size) {
    Problem problem = Problem.drawn(130, 131, 9, 20, size);
    for (Objective objective : Objective.values()) {
      Problem other = problem.with(objective, 1, 1);
      other.onCpu().assertSame(other.onCuda(), objective + " of size " + size);
    }
  }

  /**
   * Products that all underflow below zero: the canonical dot is −0 where no element is left out.
   */
  @ParameterizedTest
  @ValueSource(ints = {256, 257, 260, 600})
  void shouldKeepTheSignOfAZeroLogit(int d) {
    Problem problem = Problem.drawn(1, 3, d, 3, 1);
    java.util.Arrays.fill(problem.u(), 1e-30f);
    java.util.Arrays.fill(problem.e(), -1e-30f);
    ExplainRun.Result expected = problem.onCpu();
    assertEquals(Double.NEGATIVE_INFINITY, 1 / expected.logs()[0], "log p(c|w) is -0");
    expected.assertSame(problem.onCuda(), "d = " + d);
  }

  @Test
  void shouldLeaveTheColumnsAloneWhereThereIsNoFeature() {
    Problem problem = Problem.drawn(2, 5, 3, 1, 1);
    try (ExplainRun run = new ExplainRun(cuda, problem.u(), problem.e(), 3, 1)) {
      ExplainRun.Result before = run.result();
      cuda.explainStatistics(
          run.shard(1, 1, Optional.empty()), problem.options(), run.rows.rows(1, 1), run.columns);
      before.assertSame(run.result(), "no feature");
    }
  }

  @Test
  void shouldRefuseRoomOfAnotherShape() {
    Problem problem = Problem.drawn(2, 5, 3, 1, 1);
    try (ExplainRun run = new ExplainRun(cuda, problem.u(), problem.e(), 3, 1);
        TensorOwner room = cuda.allocate(DType.F32, Shape.of(2, 5))) {
      assertEquals(
          "L is F32 [2, 5]; F32 [2, 32] is needed",
          assertThrows(
                  IllegalArgumentException.class,
                  () ->
                      cuda.explainStatistics(
                          run.whole(Optional.of(room.view())),
                          problem.options(),
                          run.rows,
                          run.columns))
              .getMessage());
    }
  }

  @Test
  void shouldHaveNoRoomForLogitsBeyondTheMemory() {
    assertTrue(cuda.explainLogits(1L << 20, 1L << 20).isEmpty());
  }
}
