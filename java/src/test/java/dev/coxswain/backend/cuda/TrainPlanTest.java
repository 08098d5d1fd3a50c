package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class TrainPlanTest {
  private static final DeviceTraits H100 =
      new DeviceTraits("H100", 9, 0, 132, 232_448, 50 << 20, 80L << 30);
  private static final DeviceTraits L4 =
      new DeviceTraits("L4", 8, 9, 58, 101_376, 48 << 20, 23L << 30);

  @Test
  void shouldGiveEachBlockOf32FeaturesABlockWithThreeRowsOfSharedMemory() {
    TrainPlan plan = TrainPlan.of(4096, 4096, 65_536, 64, true, H100);
    assertEquals("cox_train_update", plan.updateKernel());
    assertEquals(LaunchShape.of(2048, 64, 49_152), plan.update());
    assertEquals(
        "cox_train_update_any", TrainPlan.of(8, 4096, 65_535, 64, true, H100).updateKernel());
    assertEquals("cox_train_update_any", TrainPlan.of(8, 30, 64, 4, true, H100).updateKernel());
    assertEquals("cox_train_update_any", TrainPlan.of(8, 32, 64, 4, false, H100).updateKernel());
    assertEquals(2048, TrainPlan.of(8, 16, 65_535, 64, true, H100).blocks());
    assertEquals(LaunchShape.of(4096, 8, 128, 0), plan.error());
    assertEquals(LaunchShape.of(8192, 256, 0), plan.slope(4096 * 64));
  }

  @Test
  void shouldLeaveSharedMemoryWhereARowIsTooWideForTheDevice() {
    assertFalse(TrainPlan.of(8, 8192, 64, 4, true, L4).wide());
    assertTrue(TrainPlan.of(8, 8448, 64, 4, true, L4).wide());
    assertFalse(TrainPlan.of(8, 8448, 64, 4, true, H100).wide());
    assertEquals(0, TrainPlan.of(8, 8448, 64, 4, true, L4).update().sharedBytes());
  }

  @Test
  void shouldCutRowsIntoAsManyChunksAsTheDeviceAndTheirCountsMemoryAllow() {
    assertEquals(16, TrainPlan.of(4096, 64, 1024, 64, true, H100).rowsPerChunk());
    assertEquals(256, TrainPlan.of(4096, 64, 1024, 64, true, H100).chunks());
    assertEquals(1, TrainPlan.of(5, 64, 1024, 4, true, H100).rowsPerChunk());
    assertEquals(5, TrainPlan.of(5, 64, 1024, 4, true, H100).chunks());
    // 16 chunks of 2^20 counts take 64 MiB.
    assertEquals(16, TrainPlan.of(4096, 64, 1 << 20, 64, true, H100).chunks());
    assertEquals(1, TrainPlan.of(4096, 64, 1 << 26, 64, true, H100).chunks());
  }

  @Test
  void shouldKeepPlacesForAsManyHotFeaturesAsThereCanBeWithinBounds() {
    assertEquals(0, TrainPlan.of(64, 64, 1024, 4, true, H100).hotPlaces());
    assertEquals(3, TrainPlan.of(257, 64, 1024, 3, true, H100).hotPlaces());
    assertEquals(5, TrainPlan.of(1000, 64, 5, 5, true, H100).hotPlaces());
    // 8,192 gradients of two rows of 4,096 floats take 256 MiB.
    assertEquals(8192, TrainPlan.of(4096, 4096, 65_536, 2048, true, H100).hotPlaces());
    assertEquals(
        new LaunchShape(32, 256, 2, 256, 1, 1, 0),
        TrainPlan.of(4096, 4096, 65_536, 2048, true, H100).hot());
    assertEquals(0, TrainPlan.of(64, 64, 1024, 4, true, H100).hot().gridY());
  }

  @Test
  void shouldReachBeyondWhatAGridHolds() {
    assertEquals(65_535, TrainPlan.of(1 << 20, 1, 1 << 22, 4096, true, H100).hot().gridY());
    assertEquals(1 << 20, TrainPlan.of(1 << 20, 64, 1024, 64, true, H100).slope(1L << 40).gridX());
  }
}
