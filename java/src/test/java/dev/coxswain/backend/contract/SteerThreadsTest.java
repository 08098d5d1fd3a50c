package dev.coxswain.backend.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.coxswain.backend.Backend;
import dev.coxswain.backend.SteerBatch;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.reference.SteerCase;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.testing.Floats;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Seeds;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A kernel is one object for all threads, and its hot path makes no garbage. */
@Tag("contract")
class SteerThreadsTest {
  private static final long SEED = Seeds.next("SteerThreadsTest");

  private static Backends backends;

  @BeforeAll
  static void open() {
    backends = new Backends(2);
  }

  @AfterAll
  static void close() {
    backends.close();
  }

  @Test
  void shouldAllocateNothingWhereAKernelSteersRowsOfTheHost() {
    Inputs.Arrays a = Inputs.uniform.draw(SEED);
    Backend cpu = backends.all.get(0);
    try (SteerKernel kernel = SteerCases.kernel(cpu, SteerCases.of(a, SEED).get(10));
        HostTensor x = HostTensor.allocate(DType.F32, a.n(), a.d());
        HostTensor selection = HostTensor.allocate(DType.U8, a.n());
        HostTensor counters = HostTensor.allocate(DType.I64, SteerKernel.COUNTERS)) {
      long rows = x.view().address();
      long selected = selection.view().address();
      HostMemory.fill(selected, a.n(), (byte) 1);
      long counts = counters.view().address();
      long stride = 4L * a.d();
      requireNoAllocation(
          20_000,
          () -> kernel.apply(rows, stride, rows, stride, a.n(), DType.F32, selected, counts));
    }
  }

  @Test
  void shouldAllocateNothingWhereABatchSteersRowsOfTheDevice() {
    Inputs.Arrays a = Inputs.uniform.draw(SEED);
    Backend backend = backends.subject();
    try (SteerKernel kernel = SteerCases.kernel(backend, SteerCases.of(a, SEED).get(10));
        SteerBatch batch = backend.steerBatch();
        TensorOwner x = backend.allocate(DType.F32, Shape.of(a.n(), a.d()));
        HostTensor rowKernels = HostTensor.allocate(DType.I32, a.n())) {
      SteerKernel[] kernels = {kernel};
      long rows = x.view().address();
      long which = rowKernels.view().address();
      long stride = 4L * a.d();
      requireNoAllocation(
          Backends.sized(20_000, 200),
          () -> batch.apply(kernels, 1, which, rows, stride, a.n(), DType.F32, backend.space(), 0));
    }
  }

  private static void requireNoAllocation(int calls, Runnable call) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long self = Thread.currentThread().getId();
    for (int warmUp = 0; warmUp < 2 * calls; warmUp++) {
      call.run();
    }
    long before = threads.getThreadAllocatedBytes(self);
    for (int i = 0; i < calls; i++) {
      call.run();
    }
    long allocated = threads.getThreadAllocatedBytes(self) - before;
    // The smallest object takes 16 bytes; the JVM itself allocates a little now and then.
    assertTrue(allocated < 8L * calls, allocated + " bytes in " + calls + " calls");
  }

  @Test
  void shouldGiveEveryThreadTheSameRowsWhenAllUseOneKernel() throws Exception {
    Inputs.Arrays a = Inputs.rowsNotMultipleOfTile.draw(SEED);
    SteerCase plan = SteerCases.of(a, SEED).get(10);
    Backend backend = backends.subject();
    ExecutorService executor = Executors.newFixedThreadPool(4);
    try (SteerKernel kernel = SteerCases.kernel(backend, plan)) {
      byte[] expected = steer(backend, kernel, a);
      List<Future<?>> runs = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        runs.add(
            executor.submit(
                () -> {
                  for (int i = 0; i < Backends.sized(50, 3); i++) {
                    assertArrayEquals(expected, steer(backend, kernel, a));
                  }
                }));
      }
      for (Future<?> run : runs) {
        run.get(60, TimeUnit.SECONDS);
      }
    } finally {
      executor.shutdownNow();
    }
  }

  private static byte[] steer(Backend backend, SteerKernel kernel, Inputs.Arrays a) {
    try (HostTensor host = Floats.tensor(DType.F32, a.x(), a.n(), a.d());
        TensorOwner x = backend.allocate(DType.F32, host.shape())) {
      backend.copy(host.view(), x.view());
      long address = x.view().address();
      kernel.apply(address, 4L * a.d(), address, 4L * a.d(), a.n(), DType.F32, 0, 0);
      return Placed.bytes(backend, x.view());
    }
  }

  @Test
  void shouldEndCleanlyWhenAnotherThreadClosesTheKernel() throws Exception {
    Inputs.Arrays a = Inputs.uniform.draw(SEED);
    SteerCase plan = SteerCases.of(a, SEED).get(10);
    Backend backend = backends.subject();
    ExecutorService executor = Executors.newFixedThreadPool(3);
    try {
      byte[] expected;
      try (SteerKernel kernel = SteerCases.kernel(backend, plan)) {
        expected = steer(backend, kernel, a);
      }
      for (int round = 0; round < Backends.sized(30, 5); round++) {
        SteerKernel kernel = SteerCases.kernel(backend, plan);
        AtomicLong done = new AtomicLong();
        List<Future<String>> users = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
          users.add(executor.submit(() -> useUntilClosed(backend, kernel, a, expected, done)));
        }
        while (done.get() < 20) {
          Thread.onSpinWait();
        }
        kernel.close();
        for (Future<String> user : users) {
          assertEquals("SteerKernel is closed", user.get(60, TimeUnit.SECONDS));
        }
      }
    } finally {
      executor.shutdownNow();
    }
  }

  private static String useUntilClosed(
      Backend backend, SteerKernel kernel, Inputs.Arrays a, byte[] expected, AtomicLong done) {
    try {
      for (; ; ) {
        assertArrayEquals(expected, steer(backend, kernel, a));
        done.incrementAndGet();
      }
    } catch (IllegalStateException closed) {
      return closed.getMessage();
    }
  }
}
