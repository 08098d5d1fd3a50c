package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ExplainPlanTest {
  private static final long GIB = 1L << 30;
  private static final DeviceTraits H100 =
      new DeviceTraits("H100", 9, 0, 132, 232448, 50 << 20, 80 * GIB);
  private static final DeviceTraits SMALL =
      new DeviceTraits("small", 8, 6, 16, 101376, 2 << 20, 8 * GIB);

  @Test
  void shouldKeepAChunksLogitsInTheCache() {
    ExplainPlan plan = ExplainPlan.statistics(65536, 5120, 4096, false, H100, 70 * GIB);
    assertEquals(2560, plan.chunk());
    assertEquals(2560L * 5120 * 4, plan.logitBytes());
    assertTrue(plan.logitBytes() <= H100.l2Bytes());
    assertEquals(new LaunchShape(40 * 80, 1, 1, 256, 1, 1, 98816), plan.logits(2560));
    assertEquals(new LaunchShape(20 * 40, 1, 1, 256, 1, 1, 66048), plan.blocks(2560));
  }

  @Test
  void shouldTakeTheWholeShardWhereItsLogitsAreKept() {
    ExplainPlan plan = ExplainPlan.top(1000, 300, 64, 10, true, H100, 70 * GIB);
    assertEquals(1000, plan.chunk());
    assertEquals(0, plan.logitBytes());
    assertEquals(1000, plan.listBlocks());
  }

  @Test
  void shouldTakeAtLeastOneTileOfFeaturesHoweverManyWordsThereAre() {
    ExplainPlan plan = ExplainPlan.statistics(4096, 1 << 20, 64, false, SMALL, GIB);
    assertEquals(128, plan.chunk());
  }

  @Test
  void shouldHaveFewerListsWhereTheyAreLong() {
    assertEquals(1056, ExplainPlan.top(4096, 5120, 64, 10, false, H100, 70 * GIB).listBlocks());
    ExplainPlan all = ExplainPlan.top(4096, 1 << 20, 64, 1 << 20, false, H100, 70 * GIB);
    assertEquals(8, all.listBlocks());
    assertEquals(256L << 20, all.keptBytes());
  }

  @Test
  void shouldBeginEveryRowOfLogitsAtAWholeSector() {
    assertEquals(32, ExplainPlan.stride(1));
    assertEquals(160, ExplainPlan.stride(129));
  }

  @Test
  void shouldHaveRoomForHalfOfTheFreeMemory() {
    assertTrue(ExplainPlan.hasRoom(65536, 131072, 70 * GIB));
    assertFalse(ExplainPlan.hasRoom(65536, 262144, 70 * GIB));
    assertTrue(ExplainPlan.hasRoom(0, 262144, GIB));
  }

  @Test
  void shouldFitTheSharedMemoryOfTheSmallestDevice() {
    ExplainPlan plan = ExplainPlan.statistics(4096, 5000, 64, false, SMALL, GIB);
    assertTrue(plan.logits(128).sharedBytes() <= SMALL.sharedBytes());
  }
}
