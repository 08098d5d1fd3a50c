package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SteerLaunchTest {
  private static final DeviceTraits H100 =
      new DeviceTraits("H100", 9, 0, 132, 232448, 50 << 20, 80L << 30);
  private static final DeviceTraits L4 =
      new DeviceTraits("L4", 8, 9, 58, 101376, 48 << 20, 24L << 30);

  @Test
  void shouldGiveABlockAsManyRowsAsItsSharedMemoryHolds() {
    assertEquals(8, SteerLaunch.of(4096, 64, H100).groupRows());
    assertEquals(4, SteerLaunch.of(4096, 64, L4).groupRows());
    assertEquals(1, SteerLaunch.of(16384, 64, L4).groupRows());
    assertEquals(0, SteerLaunch.of(60000, 64, H100).groupRows());
  }

  @Test
  void shouldSteerBySixtyFourFeaturesInOneLaunchWhateverTheWidth() {
    assertFalse(SteerLaunch.of(4096, 64, L4).isWide());
    assertFalse(SteerLaunch.of(16384, 64, H100).isWide());
    assertFalse(SteerLaunch.of(576, 400, H100).isWide());
    assertTrue(SteerLaunch.of(4096, 65, H100).isWide());
    assertTrue(SteerLaunch.of(60000, 1, H100).isWide());
  }

  @Test
  void shouldAskForTheMemoryOfTheLargestGroup() {
    SteerLaunch launch = SteerLaunch.of(570, 10, H100);
    assertEquals(LaunchShape.of(3, 384, 4 * (576 + 2 * 10)), launch.shape(3, 1));
    assertEquals(LaunchShape.of(3, 384, 4 * (4 * 576 + 5 * 10)), launch.shape(3, 2));
    assertEquals(LaunchShape.of(1, 384, 4 * (8 * 576 + 9 * 10)), launch.shape(1, 5));
  }
}
