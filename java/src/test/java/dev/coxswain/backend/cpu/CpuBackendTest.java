package dev.coxswain.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.backend.contract.Placed;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.MemorySpace;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Floats;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class CpuBackendTest {
  /** Reads host memory as every CPU backend does. */
  private static final CpuBackend BACKEND = CpuBackend.open(1);

  private static final long SEED = Seeds.next("CpuBackendTest");

  @AfterAll
  static void close() {
    BACKEND.close();
  }

  @Test
  void shouldNameItsInstructionSetAndThreads() {
    try (CpuBackend backend = CpuBackend.open(2, Isa.PORTABLE)) {
      assertEquals("cpu (portable, 2 threads)", backend.name());
      assertEquals(MemorySpace.HOST, backend.space());
    }
  }

  @Test
  void shouldRefuseThreadCountsThatMakeNoSense() {
    for (int threads : new int[] {0, -1, 1025}) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> CpuBackend.open(threads));
      assertEquals("threads = " + threads + " is not between 1 and 1024", e.getMessage());
    }
  }

  @Test
  void shouldRefuseEveryUseAfterClose() {
    Inputs.Arrays a = Inputs.uniform.draw(SEED);
    try (Placed placed = new Placed(BACKEND, a)) {
      CpuBackend backend = CpuBackend.open(2);
      backend.close();
      backend.close();
      TensorView x = placed.x(DType.F32);
      SparseRows rows = placed.rows(a.n(), a.k());
      List<Runnable> uses =
          List.of(
              () -> backend.allocate(DType.F32, Shape.of(1)),
              () -> backend.copy(x, x),
              () -> backend.place(x),
              () -> backend.encode(topK(placed), x, rows),
              () -> backend.decode(placed.decoder(Normalization.NONE), rows, x));
      for (Runnable use : uses) {
        IllegalStateException e = assertThrows(IllegalStateException.class, use::run);
        assertEquals("CpuBackend is closed", e.getMessage());
      }
    }
  }

  private static Encoder topK(Placed placed) {
    return placed.encoder(Activation.TOP_K, Normalization.NONE, true);
  }

  @Test
  void shouldRefuseShapesTypesAndSpacesBeforeNativeCode() {
    Inputs.Arrays a = Inputs.uniform.draw(SEED);
    try (Placed placed = new Placed(BACKEND, a);
        CpuBackend backend = CpuBackend.open(1)) {
      SparseRows rows = placed.rows(a.n(), a.k());
      TensorView x = placed.x(DType.F32);
      TensorView narrow = placed.place(HostTensor.allocate(DType.F32, a.n(), a.d() - 1));
      TensorView ints = placed.place(HostTensor.allocate(DType.I32, a.n(), a.d()));
      TensorView elsewhere = new TensorView(x.address(), DType.F32, x.shape(), MemorySpace.cuda(1));
      assertRefused(
          "x is F32 [7, 69]; F32, F16 or BF16 [7, 70] is needed",
          () -> backend.encode(topK(placed), narrow, rows));
      assertRefused(
          "x is I32 [7, 70]; F32, F16 or BF16 [7, 70] is needed",
          () -> backend.encode(topK(placed), ints, rows));
      assertRefused(
          "x is F32 [6, 70]; F32, F16 or BF16 [7, 70] is needed",
          () -> backend.encode(topK(placed), x.rows(0, 6), rows));
      assertRefused(
          "x is in cuda:1 memory; the CPU backend reads host memory",
          () -> backend.encode(topK(placed), elsewhere, rows));
      assertRefused(
          "x̂ is F32 [7, 69]; F32, F16 or BF16 [7, 70] is needed",
          () -> backend.decode(placed.decoder(Normalization.NONE), rows, narrow));
      assertRefused("cannot copy F32 [7, 70] to F32 [7, 69]", () -> backend.copy(x, narrow));
    }
  }

  private static void assertRefused(String message, Runnable use) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, use::run).getMessage());
  }

  @Test
  void shouldPlaceHostTensorsWithoutACopyAndRefuseThemOnceClosed() {
    try (CpuBackend backend = CpuBackend.open(1);
        HostTensor tensor = HostTensor.ofFloats(Shape.of(2), 1f, 2f);
        TensorOwner copy = backend.allocate(DType.F32, Shape.of(2))) {
      TensorOwner placed = backend.place(tensor.view());
      assertEquals(tensor.view(), placed.view());
      backend.copy(placed.view(), copy.view());
      assertArrayEquals(new float[] {1f, 2f}, Floats.of(copy.view()));
      placed.close();
      IllegalStateException e = assertThrows(IllegalStateException.class, placed::view);
      assertEquals("BorrowedTensor is closed", e.getMessage());
      assertEquals(1f, tensor.getFloat(0));
    }
  }

  @Test
  @Timeout(60)
  void shouldGiveEveryConcurrentCallerItsOwnRightAnswer() throws Exception {
    Inputs.Arrays a = Inputs.rowsNotMultipleOfTile.draw(SEED);
    ExecutorService callers = Executors.newFixedThreadPool(6);
    try (Placed placed = new Placed(BACKEND, a);
        CpuBackend backend = CpuBackend.open(3)) {
      TensorView x = placed.x(DType.F32);
      SparseRows expected = placed.rows(a.n(), a.k());
      backend.encode(topK(placed), x, expected);
      List<Callable<int[]>> calls = new ArrayList<>();
      for (int call = 0; call < 60; call++) {
        SparseRows rows = placed.rows(a.n(), a.k());
        calls.add(
            () -> {
              backend.encode(topK(placed), x, rows);
              return Placed.ints(BACKEND, rows.indices());
            });
      }
      for (Future<int[]> call : callers.invokeAll(calls)) {
        assertArrayEquals(Placed.ints(BACKEND, expected.indices()), call.get());
      }
    } finally {
      callers.shutdown();
    }
  }

  @Test
  @Timeout(60)
  void shouldFinishCallsInFlightWhenAnotherThreadClosesIt() throws Exception {
    Inputs.Arrays a = Inputs.rowsNotMultipleOfTile.draw(SEED);
    ExecutorService callers = Executors.newFixedThreadPool(4);
    try (Placed placed = new Placed(BACKEND, a)) {
      TensorView x = placed.x(DType.F32);
      Encoder encoder = topK(placed);
      CpuBackend backend = CpuBackend.open(2);
      AtomicInteger done = new AtomicInteger();
      CountDownLatch begun = new CountDownLatch(4);
      List<Future<?>> loops = new ArrayList<>();
      for (int caller = 0; caller < 4; caller++) {
        SparseRows rows = placed.rows(a.n(), a.k());
        loops.add(
            callers.submit(
                () -> {
                  for (; ; ) {
                    backend.encode(encoder, x, rows);
                    done.incrementAndGet();
                    begun.countDown();
                  }
                }));
      }
      begun.await();
      backend.close();
      for (Future<?> loop : loops) {
        Exception e = assertThrows(Exception.class, loop::get);
        assertEquals("CpuBackend is closed", e.getCause().getMessage());
      }
      assertTrue(done.get() >= 4);
    } finally {
      callers.shutdown();
    }
  }
}
