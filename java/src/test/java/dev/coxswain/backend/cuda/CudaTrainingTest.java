package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.TrainReport;
import dev.coxswain.backend.TrainStep;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.backend.cuda.TrainingCase.Outcome;
import dev.coxswain.testing.Seeds;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every tensor and figure of training on CUDA against the CPU's, to the bit. */
@Tag("cuda")
class CudaTrainingTest {
  private static final long SEED = Seeds.next("CudaTrainingTest");
  private static final List<String> TENSORS =
      List.of("W_enc", "b_enc", "W_dec", "b_dec", "m", "v", "rows since fired");

  private static CpuBackend cpu;
  private static CudaBackend cuda;

  private final SplittableRandom random = new SplittableRandom(SEED);

  @BeforeAll
  static void open() {
    cpu = CpuBackend.open(2);
    cuda = CudaBackend.open(0);
  }

  @AfterAll
  static void close() {
    cuda.close();
    cpu.close();
  }

  private static TrainStep numbers(int k, int kAux, long deadAfter) {
    return new TrainStep(k, kAux, 1f / 32, deadAfter, 1, 5e-3f, 0.9f, 0.999f, 6.25e-10f);
  }

  /** The reports; all equal on both. */
  private static List<TrainReport> assertSameBits(TrainingCase drawn, TrainStep numbers) {
    Outcome wanted = drawn.run(cpu, numbers);
    Outcome got = drawn.run(cuda, numbers);
    assertEquals(wanted.reports(), got.reports());
    for (int i = 0; i < TENSORS.size(); i++) {
      assertArrayEquals(wanted.tensors().get(i), got.tensors().get(i), TENSORS.get(i));
    }
    return wanted.reports();
  }

  @Test
  void shouldMakeManyStepsWithFeaturesThatDieAndComeBack() {
    TrainingCase drawn = TrainingCase.draw(random, 24, 19, 24, 70);
    List<TrainReport> reports = assertSameBits(drawn, numbers(3, 5, 60));
    assertTrue(reports.stream().anyMatch(report -> report.deadFeatures() > 0), "none died");
    assertTrue(reports.stream().anyMatch(report -> report.auxLoss() > 0), "AuxK never worked");
    long most = reports.stream().mapToLong(TrainReport::deadFeatures).max().orElseThrow();
    long last = reports.get(reports.size() - 1).deadFeatures();
    assertTrue(last < most, "none came back: " + last + " dead of " + most);
  }

  @ParameterizedTest
  @CsvSource({
    // rows, d, F, k, kAux, dead
    "9, 1, 5, 2, 2, 3",
    "6, 3, 33, 4, 3, 8",
    "7, 257, 45, 5, 9, 20",
    "5, 576, 40, 3, 50, 7",
    "1, 12, 31, 4, 3, 10",
    "4, 8, 13, 13, 13, 4",
    "8, 20, 32, 3, 4, 32",
    "8, 20, 65, 3, 4, 0",
    "3, 1000, 3, 2, 1, 1",
    "140, 10, 300, 70, 150, 200"
  })
  void shouldHaveTheCpusBitsForAnyShape(int rows, int d, int f, int k, int kAux, int dead) {
    TrainingCase drawn = TrainingCase.draw(random, 2, rows, d, f);
    Arrays.fill(drawn.sinceFired(), 0, dead, 1000);
    List<TrainReport> reports = assertSameBits(drawn, numbers(k, kAux, 1000));
    assertEquals(dead, reports.get(0).deadFeatures());
  }

  @Test
  void shouldKeepARowsOrderInFeaturesThatAreActiveInEveryRow() {
    // More than TrainPlan.HOT_ABOVE pairs: their gradients are summed ahead. 2 is dead as well, and
    // so hot by AuxK.
    TrainingCase drawn = TrainingCase.draw(random, 2, 300, 130, 36);
    drawn.bEnc()[0] = 100;
    drawn.bEnc()[1] = 90;
    drawn.bEnc()[2] = 80;
    Arrays.fill(drawn.sinceFired(), 2, 10, 1000);
    List<TrainReport> reports = assertSameBits(drawn, numbers(4, 3, 1000));
    assertEquals(1200, reports.get(0).activeFeatures());
  }

  @Test
  void shouldTrainRowsThatDoNotFitSharedMemory() {
    TrainingCase drawn = TrainingCase.draw(random, 2, 2, 20_011, 3);
    drawn.sinceFired()[1] = 1000;
    assertSameBits(drawn, numbers(2, 1, 1000));
  }

  @Test
  void shouldMoveNothingByABatchWithoutVariance() {
    TrainingCase drawn = TrainingCase.draw(random, 3, 4, 10, 40);
    for (float[] x : drawn.x()) {
      for (int i = 10; i < x.length; i++) {
        x[i] = x[i % 10];
      }
    }
    Arrays.fill(drawn.sinceFired(), 0, 9, 1000);
    List<TrainReport> reports = assertSameBits(drawn, numbers(3, 4, 1000));
    // The column mean of equal rows is the row itself, so that V is exactly 0.
    assertEquals(0, reports.get(0).fvu());
    assertTrue(reports.get(0).auxLoss() > 0);
  }

  @Test
  void shouldLeaveAuxKOutWhereThereIsNoError() {
    // Features are the axes: whole numbers are rebuilt exactly.
    TrainingCase drawn = TrainingCase.draw(random, 1, 5, 6, 9);
    for (float[] weights : List.of(drawn.wEnc(), drawn.wDec())) {
      Arrays.fill(weights, 0f);
      for (int f = 0; f < 9; f++) {
        weights[f * 6 + f % 6] = f < 6 ? 1 : -1;
      }
    }
    Arrays.fill(drawn.bEnc(), 0f);
    Arrays.fill(drawn.bDec(), 0f);
    float[] x = drawn.x().get(0);
    for (int i = 0; i < x.length; i++) {
      x[i] = 1 + i % 7;
    }
    Arrays.fill(drawn.sinceFired(), 6, 9, 1000);
    List<TrainReport> reports = assertSameBits(drawn, numbers(6, 3, 1000));
    assertEquals(new TrainReport(0, 0, 0, 30, 3), reports.get(0));
  }
}
