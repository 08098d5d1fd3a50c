package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.MemorySpace;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import jcuda.CudaException;
import jcuda.driver.CUdevice;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("cuda")
class CudaBackendTest {
  private static final long SEED = Seeds.next("CudaBackendTest");
  private static final int CHUNK = 4 << 20;

  private static HostTensor random(int bytes) {
    HostTensor tensor = HostTensor.allocate(DType.U8, bytes);
    byte[] values = new byte[bytes];
    new SplittableRandom(SEED).nextBytes(values);
    HostMemory.copy(values, 0, tensor.view().address(), bytes);
    return tensor;
  }

  private static byte[] bytes(HostTensor tensor) {
    byte[] values = new byte[(int) tensor.view().byteSize()];
    HostMemory.copy(tensor.view().address(), values, 0, values.length);
    return values;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 257, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5})
  void shouldCopyEveryByteEitherWayAndWithinTheDevice(int size) {
    try (CudaBackend backend = CudaBackend.open(0);
        HostTensor source = random(size);
        HostTensor back = HostTensor.allocate(DType.U8, size);
        TensorOwner placed = backend.place(source.view());
        TensorOwner twin = backend.allocate(DType.U8, Shape.of(size))) {
      backend.copy(placed.view(), twin.view());
      backend.copy(twin.view(), back.view());
      assertArrayEquals(bytes(source), bytes(back));
    }
  }

  @Test
  void shouldCopyWithinTheHostAndNothingAtAll() {
    try (CudaBackend backend = CudaBackend.open(0);
        HostTensor source = random(100);
        HostTensor back = HostTensor.allocate(DType.U8, 100);
        HostTensor nothing = HostTensor.allocate(DType.F32, 0, 5);
        TensorOwner placed = backend.place(nothing.view())) {
      backend.copy(source.view(), back.view());
      assertArrayEquals(bytes(source), bytes(back));
      backend.copy(placed.view(), nothing.view());
      assertEquals(0, placed.view().address());
    }
  }

  @Test
  void shouldGiveZeroedMemoryOfItsOwnSpace() {
    try (CudaBackend backend = CudaBackend.open(0);
        TensorOwner owner = backend.allocate(DType.F64, Shape.of(3, 70));
        HostTensor back = HostTensor.allocate(DType.F64, 3, 70)) {
      HostMemory.fill(back.view().address(), back.view().byteSize(), (byte) 0x7b);
      backend.copy(owner.view(), back.view());
      assertArrayEquals(new byte[3 * 70 * 8], bytes(back));
      assertEquals(MemorySpace.cuda(0), owner.view().space());
      assertEquals(0, owner.view().address() % 256);
    }
  }

  @Test
  void shouldRefuseEveryUseAfterCloseByName() {
    CudaBackend backend = CudaBackend.open(0);
    try (HostTensor host = random(4)) {
      TensorOwner buffer = backend.place(host.view());
      buffer.close();
      buffer.close();
      assertClosed("DeviceBuffer is closed", buffer::view);
      backend.close();
      backend.close();
      assertClosed("CudaBackend is closed", () -> backend.place(host.view()));
      assertClosed("CudaBackend is closed", () -> backend.allocate(DType.F32, Shape.of(1)));
      assertClosed("CudaBackend is closed", () -> backend.copy(host.view(), host.view()));
    }
  }

  private static void assertClosed(String message, Runnable use) {
    assertEquals(message, assertThrows(IllegalStateException.class, use::run).getMessage());
  }

  @Test
  void shouldKeepTheContextForABufferThatOutlivesTheBackend() {
    CudaBackend backend = CudaBackend.open(0);
    TensorOwner buffer = backend.allocate(DType.F32, Shape.of(1000));
    backend.close();
    assertNotEquals(0, buffer.view().address());
    buffer.close();
    try (CudaBackend again = CudaBackend.open(0);
        TensorOwner other = again.allocate(DType.F32, Shape.of(1000))) {
      assertNotEquals(0, other.view().address());
    }
  }

  @Test
  void shouldRefuseTensorsOfOtherShapesAndSpaces() {
    try (CudaBackend backend = CudaBackend.open(0);
        HostTensor host = HostTensor.allocate(DType.F32, 4);
        TensorOwner buffer = backend.allocate(DType.F32, Shape.of(4));
        TensorOwner other = backend.allocate(DType.F32, Shape.of(5))) {
      TensorView elsewhere = new TensorView(64, DType.F32, Shape.of(4), MemorySpace.cuda(1));
      assertRefused(
          "cannot copy F32 [4] to F32 [5]", () -> backend.copy(host.view(), other.view()));
      assertRefused(
          "target is in cuda:1 memory; this backend reads cuda:0 memory",
          () -> backend.copy(host.view(), elsewhere));
      assertRefused(
          "source is in cuda:1 memory; this backend reads cuda:0 memory",
          () -> backend.copy(elsewhere, buffer.view()));
      assertRefused(
          "tensor is in cuda:0 memory; a tensor of the host is placed",
          () -> backend.place(buffer.view()));
    }
  }

  private static void assertRefused(String message, Runnable use) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, use::run).getMessage());
  }

  @Test
  void shouldThrowWhatTheDriverAnswersOnceItIsLoaded() {
    CudaDriver.get();
    CudaException e =
        assertThrows(CudaException.class, () -> JCudaDriver.cuDeviceGet(new CUdevice(), 99));
    assertEquals("CUDA_ERROR_INVALID_DEVICE", e.getMessage());
  }

  @Test
  @Timeout(60)
  void shouldServeManyThreadsAtOnce() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(6);
    try (CudaBackend backend = CudaBackend.open(0)) {
      List<Future<?>> all = new ArrayList<>();
      for (int t = 0; t < 6; t++) {
        int size = 1000 + 77 * t;
        all.add(threads.submit(() -> copyRepeatedly(backend, size, 30)));
      }
      for (Future<?> one : all) {
        one.get(60, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static void copyRepeatedly(CudaBackend backend, int size, int times) {
    try (HostTensor source = random(size);
        HostTensor back = HostTensor.allocate(DType.U8, size)) {
      for (int i = 0; i < times; i++) {
        try (TensorOwner placed = backend.place(source.view())) {
          backend.copy(placed.view(), back.view());
        }
        assertArrayEquals(bytes(source), bytes(back));
      }
    }
  }

  @Test
  @Timeout(60)
  void shouldEndCleanlyWhenAnotherThreadClosesTheBackend() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      for (int round = 0; round < 5; round++) {
        CudaBackend backend = CudaBackend.open(0);
        AtomicInteger done = new AtomicInteger();
        List<Future<String>> users = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
          users.add(threads.submit(() -> useUntilClosed(backend, done)));
        }
        while (done.get() < 20) {
          Thread.onSpinWait();
        }
        backend.close();
        for (Future<String> user : users) {
          assertEquals("CudaBackend is closed", user.get(60, TimeUnit.SECONDS));
        }
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static String useUntilClosed(CudaBackend backend, AtomicInteger done) {
    try {
      for (; ; ) {
        copyRepeatedly(backend, 500, 1);
        done.incrementAndGet();
      }
    } catch (IllegalStateException closed) {
      return closed.getMessage();
    }
  }

  @Test
  @Timeout(60)
  void shouldFreeABufferOnceWhoeverClosesIt() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try (CudaBackend backend = CudaBackend.open(0)) {
      for (int round = 0; round < 50; round++) {
        TensorOwner buffer = backend.allocate(DType.F32, Shape.of(64));
        List<Future<?>> closers = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
          closers.add(threads.submit(buffer::close));
        }
        for (Future<?> closer : closers) {
          closer.get(60, TimeUnit.SECONDS);
        }
      }
    } finally {
      threads.shutdownNow();
    }
  }

  /** Something computed from a buffer. */
  private record Derived(AtomicInteger closed) implements AutoCloseable {
    @Override
    public void close() {
      closed.incrementAndGet();
    }
  }

  @Test
  void shouldKeepWhatIsDerivedFromABufferUntilItIsWrittenOrClosed() {
    AtomicInteger made = new AtomicInteger();
    AtomicInteger closed = new AtomicInteger();
    CudaDevice device = CudaDevice.open(CudaDriver.get(), 0);
    try (device;
        CudaLane lane = device.lane()) {
      DeviceBuffer buffer = DeviceBuffer.allocate(device, DType.F32, Shape.of(10));
      lane.synchronize();
      TensorView last = buffer.view().rows(9, 10);
      Runnable use =
          () -> {
            DeviceBuffer holder = device.bufferAt(last.address()).orElseThrow();
            holder.derived(
                Derived.class,
                () -> {
                  made.incrementAndGet();
                  return new Derived(closed);
                });
          };
      use.run();
      use.run();
      assertEquals(1, made.get());
      device.written(last);
      assertEquals(1, closed.get());
      use.run();
      assertEquals(2, made.get());
      buffer.close();
      assertEquals(2, closed.get());
      assertTrue(device.bufferAt(last.address()).isEmpty());
    }
  }
}
