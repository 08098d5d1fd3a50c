package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class EncodePlanTest {
  private static final long GIB = 1L << 30;
  private static final DeviceTraits H100 =
      new DeviceTraits("H100", 9, 0, 132, 232448, 50 << 20, 80 * GIB);
  private static final DeviceTraits L4 =
      new DeviceTraits("L4", 8, 9, 58, 101376, 48 << 20, 22 * GIB);

  private static EncodePlan plan(long rows, boolean kept, boolean blas) {
    return plan(new EncodeShape(rows, 65536, 4096, 64, 64, true, kept), blas);
  }

  private static EncodePlan plan(EncodeShape shape, boolean blas) {
    return EncodePlan.of(shape, H100, () -> blas, EncodeTuning.DEFAULT);
  }

  @Test
  void shouldScreenFewRowsByInt8WhereCopiesOfTheWeightsCanBeKept() {
    EncodePlan plan = plan(1, true, true);
    assertEquals(EncodePath.INT8, plan.path());
    assertEquals("cox_screen_int8_1", plan.int8Kernel());
    assertEquals(new LaunchShape(264, 1, 1, 256, 1, 1, 8 * (4096 + 64)), plan.int8());
    assertEquals(new LaunchShape(1, 16, 1, 256, 1, 1, 0), plan.filter(1));
    assertEquals("cox_screen_int8_4", plan(16, true, true).int8Kernel());
  }

  @Test
  void shouldScanFewRowsExactlyWithoutCopies() {
    EncodePlan plan = plan(3, false, true);
    assertEquals(EncodePath.SCAN, plan.path());
    assertEquals("cox_encode_scan_4", plan.scanKernel());
    assertEquals(new LaunchShape(264, 1, 1, 256, 1, 1, 4 * 4 * 4096), plan.scan(3));
    assertEquals(8, plan.scanRun());
  }

  @Test
  void shouldMultiplyManyRowsByCublasWhereThereIsOne() {
    EncodePlan plan = plan(4096, true, true);
    assertEquals(EncodePath.PANELS, plan.path());
    assertEquals(4096, plan.blockRows());
    assertEquals(1536, plan.panel());
    assertTrue(4 * plan.panel() * plan.blockRows() <= H100.l2Bytes() / 2);
    assertEquals(EncodePath.FUSED, plan(4096, true, false).path());
  }

  @Test
  void shouldLetFusedPanelsGrowFromWhatHasRoom() {
    EncodePlan plan = plan(4096, true, false);
    assertEquals(2560, plan.capacity());
    assertEquals(2560, plan.nextPanel(0));
    assertEquals(10240, plan.nextPanel(2560));
    assertEquals(65536 - 64000, plan.nextPanel(64000));
    assertEquals(new LaunchShape(32, 20, 1, 128, 1, 1, 49152), plan.fused(4096, 2560));
  }

  @Test
  void shouldScoreEverythingWhereScreensCannotRuleOutMuch() {
    EncodeShape half = new EncodeShape(100, 4096, 576, 2048, 2048, true, true);
    assertEquals(EncodePath.FULL, plan(half, true).path());
    EncodeShape few = new EncodeShape(100, 200, 576, 8, 8, true, true);
    assertEquals(EncodePath.FULL, plan(few, true).path());
    EncodeShape wide = new EncodeShape(100, 4096, 200_000, 8, 8, true, true);
    DeviceTraits big = new DeviceTraits("big", 9, 0, 132, 1 << 20, 50 << 20, 80 * GIB);
    assertEquals(
        EncodePath.FULL, EncodePlan.of(wide, big, () -> true, EncodeTuning.DEFAULT).path());
  }

  @Test
  void shouldBoundMemoryByCuttingRows() {
    EncodeShape relu = new EncodeShape(1 << 20, 65536, 4096, 65536, 65536, true, false);
    EncodePlan plan = plan(relu, true);
    assertEquals(EncodePath.PANELS, plan.path());
    assertTrue(plan.blockRows() % 128 == 0 && plan.blockRows() * 12 * plan.capacity() <= GIB);
    EncodeTuning small = new EncodeTuning(Optional.of(EncodePath.SCAN), 1 << 20, 0, 1, 0);
    assertEquals(8, EncodePlan.of(relu, H100, () -> true, small).blockRows());
  }

  @Test
  void shouldTakeFewerRowsABlockWhereSharedMemoryIsSmall() {
    EncodeShape shape = new EncodeShape(8, 4096, 8192, 8, 8, true, false);
    EncodePlan plan = EncodePlan.of(shape, L4, () -> false, EncodeTuning.DEFAULT);
    assertEquals("cox_encode_scan_2", plan.scanKernel());
    assertEquals(4, plan.scan(8).gridY());
  }

  @Test
  void shouldRefuseRowsBeyondSharedMemory() {
    EncodeShape shape = new EncodeShape(1, 16, 30_000, 1, 1, true, false);
    assertEquals(
        "d = 30000 is beyond the 25344 that fit the shared memory of L4",
        assertThrows(
                IllegalArgumentException.class,
                () -> EncodePlan.of(shape, L4, () -> false, EncodeTuning.DEFAULT))
            .getMessage());
  }

  @Test
  void shouldLoadSinglesWhereRowsAreNotAligned() {
    EncodeShape shape = new EncodeShape(1, 300, 577, 8, 8, false, false);
    assertEquals("cox_encode_scan_1_any", plan(shape, false).scanKernel());
    assertEquals("cox_encode_rescore_any", plan(shape, false).rescoreKernel());
  }

  @Test
  void shouldBoundRoundingsAsTheKernelsProofDoes() {
    double roundings = (3.0 * 4096 + 24 + 32) * 0x1p-24;
    assertEquals(1.01 * roundings / (1 - roundings), EncodePlan.boundFactor(4096), 1e-15);
  }
}
