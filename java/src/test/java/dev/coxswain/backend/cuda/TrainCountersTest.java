package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.TrainState;
import dev.coxswain.backend.TrainStep;
import dev.coxswain.testing.CountedRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a training step moves, as its kernels' comments say. */
@Tag("cuda")
class TrainCountersTest {
  private static final int ROWS = 300;
  private static final int WIDTH = 576;
  private static final int FEATURES = 128;
  private static final int K = 4;

  /** Kernels that go through rows; the others' accesses are scattered by nature, and few. */
  private static final List<String> STREAMING =
      List.of(
          "cox_train_bias",
          "cox_train_chunks",
          "cox_train_error",
          "cox_train_hot",
          "cox_train_mean",
          "cox_train_slope",
          "cox_train_squares",
          "cox_train_update");

  @TempDir static Path folder;
  private static CountedRun counters;

  /** The program that is counted: a step with AuxK and one feature that is active in every row. */
  public static void main(String[] arguments) {
    TrainingCase drawn = TrainingCase.draw(new SplittableRandom(1), 1, ROWS, WIDTH, FEATURES);
    drawn.bEnc()[5] = 1000;
    Arrays.fill(drawn.sinceFired(), 0, 40, 1000);
    try (CudaBackend cuda = CudaBackend.open(0)) {
      drawn.run(cuda, new TrainStep(K, 6, 1f / 32, 1000, 1, 1e-3f, 0.9f, 0.999f, 1e-9f));
    }
  }

  @BeforeAll
  static void count() throws IOException, InterruptedException {
    counters = CountedRun.of(folder, Map.of(), TrainCountersTest.class);
  }

  @Test
  void shouldMakeSixteenLaunchesAndEightMoreForAuxK() {
    long launches =
        counters.kernels().stream()
            .filter(kernel -> kernel.startsWith("cox_train_"))
            .mapToLong(counters::launches)
            .sum();
    assertEquals(16 + 8, launches);
  }

  @Test
  void shouldUseEverySectorThatItMoves() {
    for (String kernel : STREAMING) {
      for (String way : List.of("globalLoad", "globalStore")) {
        long sectors = counters.count(kernel, way + "/sectors");
        long ideal = counters.count(kernel, way + "/idealSectors");
        assertTrue(sectors <= 1.02 * ideal, kernel + " " + way + " " + sectors + " of " + ideal);
      }
    }
  }

  @Test
  void shouldHaveNoBankConflictsAndNoLocalMemory() {
    for (String kernel : STREAMING) {
      assertEquals(0, counters.count(kernel, "sharedConflicts"), kernel);
      assertEquals(0, counters.count(kernel, "localRequests"), kernel);
    }
  }

  @Test
  void shouldReadAndWriteTheStateOnceAndNothingElseOfItsSize() {
    long parameters = TrainState.parameters(FEATURES, WIDTH);
    long rows = 4L * ROWS * WIDTH;
    // w, m and v; e, e − ê and x; the blocks' parts of b_dec's gradient; gradients of hot features.
    long least = 24 * parameters + 3 * rows + 4L * FEATURES / 32 * WIDTH;
    long moved =
        counters.count("cox_train_update", "distinctLoadBytes")
            + counters.count("cox_train_update", "distinctStoreBytes");
    assertTrue(moved <= 1.05 * least, moved + " bytes; the least is " + least);
    assertTrue(moved >= 24 * (parameters - WIDTH), moved + " bytes cannot be a whole update");
  }

  @Test
  void shouldReadEachRowOnceForAllHotFeaturesOfATile() {
    // x for both lists of pairs, e and e − ê.
    long least = 4 * 4L * ROWS * WIDTH;
    long bytes = 32 * counters.count("cox_train_hot", "globalLoad/sectors");
    assertTrue(bytes <= 1.1 * least, bytes + " bytes; the least is " + least);
  }
}
