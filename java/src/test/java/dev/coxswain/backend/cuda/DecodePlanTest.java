package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class DecodePlanTest {
  private static final DeviceTraits A100 =
      new DeviceTraits("A100", 8, 0, 108, 166912, 40 << 20, 40L << 30);

  @Test
  void shouldCutRowsIntoSlicesOfEqualBlocks() {
    assertEquals(LaunchShape.of(7, 8, 128, 0), DecodePlan.of(7, 4096, 65_536, 64).shape(7));
    assertEquals(LaunchShape.of(1, 2, 96, 0), DecodePlan.of(1, 576, 4096, 64).shape(1));
    assertEquals(LaunchShape.of(1, 1, 32, 0), DecodePlan.of(1, 3, 64, 64).shape(1));
  }

  @Test
  void shouldSortManyFeaturesBeforehandAChunkOfRowsAtATime() {
    assertFalse(DecodePlan.of(100, 4096, 65_536, 256).sortsBefore());
    DecodePlan plan = DecodePlan.of(100_000, 4096, 65_536, 257);
    assertTrue(plan.sortsBefore());
    assertEquals(512, plan.sortedPlaces());
    assertEquals(16_384, plan.chunkRows());
    assertEquals(64 << 20, plan.keysBytes(100_000));
    assertEquals(LaunchShape.of(5, 512, 8 * 512), plan.sortShape(5, A100));
  }

  @Test
  void shouldSortInDeviceMemoryWhatSharedMemoryCannotHold() {
    DecodePlan plan = DecodePlan.of(3, 4096, 1 << 16, 1 << 16);
    assertFalse(plan.sortsInShared(A100));
    assertEquals(LaunchShape.of(3, 512, 0), plan.sortShape(3, A100));
    assertEquals(3L * 8 << 16, plan.keysBytes(3));
  }

  @Test
  void shouldWalkThroughAllWeightsWhereRowsShareMostOfThem() {
    DecodePlan plan = DecodePlan.of(100, 1028, 4096, 256);
    assertEquals(DecodePlan.Way.DENSE, plan.way());
    assertEquals(LaunchShape.of(7, 3, 128, 0), plan.shape(100));
    assertEquals(256, plan.sortedPlaces());
    assertEquals(LaunchShape.of(100, 3, 96, 0), plan.gathering(1028).shape(100));
    assertEquals(DecodePlan.Way.GATHER, DecodePlan.of(100, 1028, 4097, 256).way());
    assertEquals(DecodePlan.Way.GATHER, DecodePlan.of(15, 1028, 4096, 256).way());
    assertEquals(DecodePlan.Way.GATHER, DecodePlan.of(100, 1029, 4096, 256).way());
  }
}
