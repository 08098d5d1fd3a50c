package dev.coxswain.gpucheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.DeviceProbe;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.error.DeviceException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The timing half of gpu-check with the CPU in the card's place and a clock of known times. */
class SpeedTest {
  private static final double KERNEL = 2e-3;

  private final Card card = new Card(1e9, OptionalDouble.of(1e12), OptionalDouble.of(1e11));

  /** A card on which every operation is two kernels of 2 ms. */
  private record FixedClock(CpuBackend backend) implements DeviceProbe {
    @Override
    public List<String> encodePaths() {
      return List.of("ONLY");
    }

    @Override
    public EncodeReport encode(String path, Encoder encoder, TensorView x, SparseRows active) {
      return backend.encode(encoder, x, active);
    }

    @Override
    public Map<String, Object> facts() {
      return Map.of("card", "none");
    }

    @Override
    public boolean isSoftware() {
      return false;
    }

    @Override
    public long freeBytes() {
      return 1L << 30;
    }

    @Override
    public List<KernelTime> time(Runnable operation) {
      operation.run();
      return List.of(new KernelTime("cox_one", KERNEL), new KernelTime("cox_two", KERNEL));
    }

    @Override
    public double copySeconds(long bytes) {
      return bytes / 1e9;
    }

    @Override
    public Optional<String> productsUnusable() {
      return Optional.of("there is no cuBLAS");
    }

    @Override
    public double productSeconds(DType dtype, int features, int rows, int width) {
      throw new DeviceException("there is no cuBLAS");
    }
  }

  @Test
  void shouldTimeEveryOperationAndItsKernels() {
    long seed = Seeds.next("SpeedTest");
    List<SpeedResult> heard = new ArrayList<>();
    List<SpeedResult> results;
    try (CpuBackend backend = CpuBackend.open(2)) {
      results =
          Speed.run(CheckSize.SOFTWARE, backend, new FixedClock(backend), card, seed, heard::add);
    }
    assertEquals(heard, results);
    assertEquals(
        Set.of("encode", "decode", "steer", "explain", "train"),
        results.stream().map(SpeedResult::operation).collect(Collectors.toSet()));
    for (SpeedResult result : results) {
      assertEquals(2 * KERNEL, result.kernels().median(), 1e-12);
      assertEquals(Map.of("cox_one", KERNEL, "cox_two", KERNEL), result.each());
      assertTrue(result.call().median() > 0, result::text);
      assertEquals(result.limit() / (2 * KERNEL), result.share(), 1e-12);
      assertTrue(result.text().contains("cox_two"), result::text);
    }
  }

  @Test
  void shouldTakeAsLongAsTheSlowestPartOfEachPhase() {
    Limit limit = Limit.of(1e9, 1e11, 5e10).then(1e8, 1e12, 0);
    assertEquals(1 + 1, limit.seconds(card), 1e-12);
    Card withoutCublas = new Card(1e9, OptionalDouble.empty(), OptionalDouble.empty());
    assertEquals(1 + 0.1, limit.seconds(withoutCublas), 1e-12);
  }

  @Test
  void shouldMeasureTheCardByItsCopiesAndSayNothingOfProductsWithoutCublas() {
    try (CpuBackend backend = CpuBackend.open(1)) {
      Card measured = Card.measure(new FixedClock(backend));
      assertEquals(2e9, measured.bytesPerSecond(), 1);
      assertEquals("2 GB/s by a copy", measured.text());
    }
  }

  @Test
  void shouldGiveMedianAndHalfOfWhatTheMiddleHalfSpans() {
    Samples samples = Samples.of(5, 1, 4, 2, 3);
    assertEquals(3, samples.median());
    assertEquals((4.0 - 2.0) / 2 / 3, samples.spread(), 1e-12);
    assertEquals(2.5, Samples.of(4, 1, 2, 3).median());
  }

  @Test
  void shouldHalveTheFeaturesUntilALargeModelFits() {
    assertEquals(65_536, CheckSize.large(Long.MAX_VALUE).features());
    CheckSize half = CheckSize.large(CheckSize.large(Long.MAX_VALUE).bytes() - 1);
    assertTrue(half.features() < 65_536 && half.bytes() < CheckSize.large(Long.MAX_VALUE).bytes());
    assertEquals(4096, CheckSize.large(0).features());
  }
}
