package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.DeviceProbe;
import dev.coxswain.backend.DeviceProbe.KernelTime;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a CUDA device says of itself and of its kernels' times. */
@Tag("cuda")
class CudaProbeTest {
  private final CudaBackend cuda = CudaBackend.open(0);
  private final DeviceProbe probe = cuda.probe();
  private final Deque<TensorOwner> owned = new ArrayDeque<>();

  @AfterEach
  void close() {
    owned.forEach(TensorOwner::close);
    cuda.close();
  }

  private TensorView zeros(DType dtype, long... extents) {
    owned.push(cuda.allocate(dtype, Shape.of(extents)));
    return owned.peek().view();
  }

  private void decode() {
    Decoder decoder = new Decoder(zeros(DType.F32, 16, 8), zeros(DType.F32, 8), Normalization.NONE);
    SparseRows active =
        new SparseRows(zeros(DType.F32, 2, 3), zeros(DType.I32, 2, 3), zeros(DType.F32, 2, 2));
    cuda.decode(decoder, active, zeros(DType.F32, 2, 8));
  }

  @Test
  void shouldTimeEachKernelOfAnOperationAndNoneAfterwards() {
    List<KernelTime> times = probe.time(this::decode);
    assertTrue(
        times.stream().anyMatch(time -> time.name().startsWith("cox_decode")), times::toString);
    assertTrue(times.stream().allMatch(time -> time.seconds() >= 0), times::toString);
    decode();
    assertEquals(List.of(), probe.time(() -> {}));
  }

  @Test
  void shouldForgetTheKernelsOfAnOperationThatFailed() {
    assertThrows(
        IllegalStateException.class,
        () ->
            probe.time(
                () -> {
                  decode();
                  throw new IllegalStateException("failed");
                }));
    assertEquals(List.of(), probe.time(() -> {}));
  }

  @Test
  void shouldKnowThatASoftwareDriverIsNoCard() {
    assertTrue(probe.isSoftware());
    assertTrue(probe.facts().get("card").toString().contains("test"), probe.facts()::toString);
    assertTrue(probe.freeBytes() > 0);
  }

  @Test
  void shouldTimeCopiesAndProductsAndGiveTheirMemoryBack() {
    long before = probe.freeBytes();
    assertTrue(probe.copySeconds(1000) >= 0);
    assertEquals(true, probe.productsUnusable().isEmpty(), probe.productsUnusable()::toString);
    assertTrue(probe.productSeconds(DType.BF16, 16, 8, 32) >= 0);
    assertTrue(probe.productSeconds(DType.F32, 16, 8, 32) >= 0);
    assertTrue(before - probe.freeBytes() < 1 << 20);
  }
}
