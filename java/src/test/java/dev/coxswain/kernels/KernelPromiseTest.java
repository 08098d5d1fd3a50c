package dev.coxswain.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.kernels.KernelCase.Promise;
import dev.coxswain.kernels.KernelCase.Row;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What breaks a promise is said; what keeps it is not. */
class KernelPromiseTest {
  private static final CubinResources FITTING = new CubinResources(64, 0, 1024);

  private static KernelFigures figures(
      Promise promise, KernelCounters counters, CubinResources resources) {
    Row row = new Row("scan", "cox_scan", 3200, promise);
    KernelCase kernelCase = new KernelCase("scan", "d 8", List.of(row), backend -> {});
    return new KernelFigures(kernelCase, row, counters, Map.of(90, resources));
  }

  /** Of one launch of 256 threads. */
  private static KernelCounters counters(long moved, long sectors, long ideal, long conflicts) {
    return new KernelCounters(1, 256, 0, moved, sectors, ideal, 100, conflicts, 0, 0, 0, 0);
  }

  private static String broken(Promise promise, KernelCounters counters) {
    return String.join("\n", figures(promise, counters, FITTING).broken());
  }

  @Test
  void shouldSayNothingWhereTheLeastIsMoved() {
    assertEquals("", broken(Promise.streaming(), counters(3200, 100, 100, 0)));
    assertEquals("", broken(Promise.streaming(), counters(3360, 100, 100, 0)));
  }

  @Test
  void shouldNameEachFigureThatGotWorse() {
    assertEquals(
        "cox_scan at d 8 moves 1.100 times the least bytes, not 1.05",
        broken(Promise.streaming(), counters(3520, 100, 100, 0)));
    assertEquals(
        "cox_scan at d 8 loads 101 sectors, not 100",
        broken(Promise.streaming(), counters(3200, 101, 100, 0)));
    assertEquals(
        "cox_scan at d 8 has 0.010 bank conflicts a request, not 0.000",
        broken(Promise.streaming(), counters(3200, 100, 100, 1)));
    assertEquals(
        "cox_scan at d 8 moves 0.500 times the least bytes: the case's sum is wrong",
        broken(Promise.streaming(), counters(1600, 100, 100, 0)));
    assertEquals(
        "cox_scan at d 8 is launched 1 times, not 0",
        broken(Promise.streaming().launches(0), counters(3200, 100, 100, 0)));
  }

  @Test
  void shouldLetATiledKernelReadAgainAndALooseOneTouchMoreSectors() {
    assertEquals("", broken(Promise.tiled(), counters(32000, 1000, 1000, 0)));
    assertEquals("", broken(Promise.tiled().anyLoads(), counters(32000, 1100, 1000, 0)));
    assertEquals("", broken(Promise.tiled().conflicts(0.02), counters(32000, 1000, 1000, 2)));
  }

  @Test
  void shouldPredictTheTimeOfWhatBindsMost() {
    KernelCounters moving = new KernelCounters(1, 256, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    assertEquals("0.001 (bytes)", figures(Promise.tiled(), moving, FITTING).predicted());
    KernelCounters adding = new KernelCounters(1, 256, 0, 0, 0, 0, 0, 0, 0, 0, 29_652_480, 29);
    assertEquals("1.000 (fp32)", figures(Promise.tiled(), adding, FITTING).predicted());
    KernelCounters precise = new KernelCounters(1, 256, 0, 0, 0, 0, 0, 0, 0, 0, 29, 29_652_480);
    assertEquals("2.000 (fp64)", figures(Promise.tiled(), precise, FITTING).predicted());
  }

  @Test
  void shouldLimitResidentWarpsByRegistersSharedMemoryAndBlocks() {
    assertEquals(0.5, FITTING.occupancy(256, 0));
    assertEquals(0.125, new CubinResources(200, 0, 0).occupancy(256, 0));
    assertEquals(0.25, new CubinResources(32, 0, 0).occupancy(256, 100 << 10));
    assertEquals(0.5, new CubinResources(32, 0, 0).occupancy(32, 0));
    assertTrue(new CubinResources(32, 0, 0).occupancy(256, 0) == 1);
  }
}
