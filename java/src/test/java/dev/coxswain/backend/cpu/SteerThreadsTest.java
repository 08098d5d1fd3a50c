package dev.coxswain.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.reference.SteerCase;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
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
import org.junit.jupiter.api.Test;

/** A kernel is one object for all threads, and its hot path makes no garbage. */
class SteerThreadsTest {
  private static final long SEED = Seeds.next("SteerThreadsTest");

  @Test
  void shouldAllocateNothingOnTheHotPath() {
    Inputs.Arrays a = Inputs.uniform.draw(SEED);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (CpuBackend backend = CpuBackend.open(2);
        SteerKernel kernel = SteerCases.kernel(backend, SteerCases.of(a, SEED).get(10));
        HostTensor x = HostTensor.allocate(DType.F32, a.n(), a.d());
        HostTensor selection = HostTensor.allocate(DType.U8, a.n());
        HostTensor counters = HostTensor.allocate(DType.I64, SteerKernel.COUNTERS)) {
      long address = x.view().address();
      long selected = selection.view().address();
      HostMemory.fill(selected, a.n(), (byte) 1);
      long counts = counters.view().address();
      run(kernel, a, address, selected, counts, 20_000);
      long self = Thread.currentThread().getId();
      long before = threads.getThreadAllocatedBytes(self);
      int calls = 20_000;
      run(kernel, a, address, selected, counts, calls);
      long allocated = threads.getThreadAllocatedBytes(self) - before;
      assertTrue(allocated < calls / 10, allocated + " bytes in " + calls + " calls");
    }
  }

  private static void run(
      SteerKernel kernel, Inputs.Arrays a, long x, long selection, long counters, int calls) {
    for (int i = 0; i < calls; i++) {
      kernel.apply(x, 4L * a.d(), x, 4L * a.d(), a.n(), DType.F32, selection, counters);
    }
  }

  @Test
  void shouldGiveEveryThreadTheSameRowsWhenAllUseOneKernel() throws Exception {
    Inputs.Arrays a = Inputs.rowsNotMultipleOfTile.draw(SEED);
    SteerCase plan = SteerCases.of(a, SEED).get(10);
    ExecutorService executor = Executors.newFixedThreadPool(4);
    try (CpuBackend backend = CpuBackend.open(2);
        SteerKernel kernel = SteerCases.kernel(backend, plan);
        Placed placed = new Placed(a)) {
      byte[] expected = steer(kernel, placed);
      List<Future<?>> runs = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        runs.add(
            executor.submit(
                () -> {
                  for (int i = 0; i < 50; i++) {
                    assertArrayEquals(expected, steer(kernel, placed));
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

  private static byte[] steer(SteerKernel kernel, Placed placed) {
    Inputs.Arrays a = placed.arrays;
    try (HostTensor x = dev.coxswain.testing.Floats.tensor(DType.F32, a.x(), a.n(), a.d())) {
      long address = x.view().address();
      kernel.apply(address, 4L * a.d(), address, 4L * a.d(), a.n(), DType.F32, 0, 0);
      return SteerExpected.bytes(x.view());
    }
  }

  @Test
  void shouldEndCleanlyWhenAnotherThreadClosesTheKernel() throws Exception {
    Inputs.Arrays a = Inputs.uniform.draw(SEED);
    SteerCase plan = SteerCases.of(a, SEED).get(10);
    ExecutorService executor = Executors.newFixedThreadPool(3);
    try (CpuBackend backend = CpuBackend.open(1);
        Placed placed = new Placed(a)) {
      byte[] expected = steer(SteerCases.kernel(backend, plan), placed);
      for (int round = 0; round < 30; round++) {
        SteerKernel kernel = SteerCases.kernel(backend, plan);
        AtomicLong done = new AtomicLong();
        List<Future<String>> users = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
          users.add(executor.submit(() -> useUntilClosed(kernel, placed, expected, done)));
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
      SteerKernel kernel, Placed placed, byte[] expected, AtomicLong done) {
    try {
      for (; ; ) {
        assertArrayEquals(expected, steer(kernel, placed));
        done.incrementAndGet();
      }
    } catch (IllegalStateException closed) {
      return closed.getMessage();
    }
  }
}
