package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.sun.management.ThreadMXBean;
import dev.coxswain.backend.Backend;
import dev.coxswain.backend.SteerBatch;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.MemorySpace;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Seeds;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import jcuda.NativePointerObject;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a batch owes a host whose rows are on the device: order, no waiting, nothing allocated. */
@Tag("cuda")
class CudaSteerBatchTest {
  private static final long SEED = Seeds.next("CudaSteerBatchTest");
  private static final int WIDTH = 40;

  private final List<AutoCloseable> owned = new ArrayList<>();
  private CpuBackend cpu;
  private CudaBackend cuda;

  @BeforeEach
  void open() {
    cpu = CpuBackend.open(1);
    cuda = CudaBackend.open(0);
  }

  @AfterEach
  void close() throws Exception {
    for (int i = owned.size() - 1; i >= 0; i--) {
      owned.get(i).close();
    }
    cuda.close();
    cpu.close();
  }

  private <T extends AutoCloseable> T own(T closeable) {
    owned.add(closeable);
    return closeable;
  }

  private TensorView place(Backend backend, HostTensor host) {
    own(host);
    return own(backend.place(host.view())).view();
  }

  /** Removes three features; each number has others. */
  private SteerKernel kernel(Backend backend, int number) {
    SplittableRandom random = new SplittableRandom(SEED + number);
    float[] read = Inputs.fill(random, 3 * WIDTH, 0.3f);
    float[] write = Inputs.fill(random, 3 * WIDTH, 0.3f);
    SteerRule rule =
        new SteerRule(
            SteerRule.Kind.CLAMP,
            Optional.of(place(backend, HostTensor.ofFloats(Shape.of(3, WIDTH), read))),
            Optional.of(place(backend, HostTensor.ofFloats(Shape.of(3), new float[3]))),
            Optional.of(place(backend, HostTensor.ofFloats(Shape.of(3, WIDTH), write))),
            Optional.empty(),
            number);
    return backend.steerKernel(WIDTH, List.of(rule), Optional.empty());
  }

  private SteerKernel[] kernels(Backend backend, int count) {
    SteerKernel[] kernels = new SteerKernel[count];
    for (int k = 0; k < count; k++) {
      kernels[k] = own(kernel(backend, k));
    }
    return kernels;
  }

  private static float[] rows(int n, int salt) {
    return Inputs.fill(new SplittableRandom(SEED + 1000 + salt), n * WIDTH, 1f);
  }

  private HostTensor ints(int... values) {
    return own(HostTensor.ofInts(Shape.of(values.length), values));
  }

  private static void apply(
      SteerBatch batch, SteerKernel[] kernels, HostTensor plans, TensorView rows, long stream) {
    long n = plans.shape().elements();
    long address = plans.view().address();
    batch.apply(
        kernels,
        kernels.length,
        address,
        rows.address(),
        4L * WIDTH,
        n,
        DType.F32,
        rows.space(),
        stream);
  }

  private float[] onCpu(SteerKernel[] kernels, HostTensor plans, float[] x) {
    try (HostTensor rows = HostTensor.ofFloats(Shape.of(x.length / WIDTH, WIDTH), x);
        SteerBatch batch = cpu.steerBatch()) {
      apply(batch, kernels, plans, rows.view(), 0);
      return rows.toFloats();
    }
  }

  private float[] read(TensorView view) {
    try (HostTensor host = HostTensor.allocate(view.dtype(), view.shape())) {
      cuda.copy(view, host.view());
      return host.toFloats();
    }
  }

  @Test
  void shouldRunAheadOnSeveralStreamsWithATableOfItsOwnForEachBatch() {
    SteerKernel[] onCpu = kernels(cpu, 3);
    SteerKernel[] onCuda = kernels(cuda, 3);
    SteerBatch batch = own(cuda.steerBatch());
    HostTensor[] plans = {ints(0, 1, 2, -1, 0), ints(2, 2), ints(1), ints(-1, -1, 0, 0, 1, 2, 2)};
    CudaDevice device = own(CudaDevice.open(CudaDriver.get(), 0));
    List<TensorView> steered = new ArrayList<>();
    long[] streams = new long[2];
    device.enter();
    try {
      for (int s = 0; s < streams.length; s++) {
        streams[s] = newStream();
      }
      for (int pass = 0; pass < 16; pass++) {
        HostTensor which = plans[pass % plans.length];
        int n = Math.toIntExact(which.shape().elements());
        TensorView x = place(cuda, HostTensor.ofFloats(Shape.of(n, WIDTH), rows(n, pass)));
        apply(batch, onCuda, which, x, streams[pass / 3 % 2]);
        steered.add(x);
      }
      for (long stream : streams) {
        JCudaDriver.cuStreamSynchronize(Addresses.stream(stream));
        JCudaDriver.cuStreamDestroy(Addresses.stream(stream));
      }
    } finally {
      device.leave();
    }
    for (int pass = 0; pass < 16; pass++) {
      HostTensor which = plans[pass % plans.length];
      float[] x = rows(Math.toIntExact(which.shape().elements()), pass);
      assertArrayEquals(onCpu(onCpu, which, x), read(steered.get(pass)), "pass " + pass);
    }
  }

  /** A host's, of which only the handle is known here. */
  private static long newStream() {
    CUstream stream = new CUstream();
    JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING);
    try {
      Field handle = NativePointerObject.class.getDeclaredField("nativePointer");
      handle.setAccessible(true);
      return handle.getLong(stream);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void shouldAllocateNothingForABatchLikeTheLast() {
    SteerKernel[] kernels = kernels(cuda, 2);
    SteerBatch batch = own(cuda.steerBatch());
    HostTensor plans = ints(0, 1, -1, 1);
    TensorView x = place(cuda, HostTensor.ofFloats(Shape.of(4, WIDTH), rows(4, 0)));
    TensorOwner counters = own(HostTensor.allocate(DType.I64, SteerKernel.COUNTERS));
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    for (int round = 0; round < 5; round++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int call = 0; call < 100; call++) {
        apply(batch, kernels, plans, x, 0);
        batch.count(counters.view().address());
      }
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }
    assertEquals(0, least);
  }

  @Test
  void shouldSteerByAPlanThatIsClosedBeforeItsWorkBegins() {
    SteerKernel onCuda = kernel(cuda, 7);
    SteerBatch batch = own(cuda.steerBatch());
    HostTensor plans = ints(0, -1);
    TensorView x = place(cuda, HostTensor.ofFloats(Shape.of(2, WIDTH), rows(2, 3)));
    apply(batch, new SteerKernel[] {onCuda}, plans, x, 0);
    onCuda.close();
    SteerKernel[] same = {own(kernel(cpu, 7))};
    assertArrayEquals(onCpu(same, plans, rows(2, 3)), read(x));
    IllegalStateException refused =
        assertThrows(
            IllegalStateException.class,
            () -> apply(batch, new SteerKernel[] {onCuda}, plans, x, 0));
    assertEquals("SteerKernel is closed", refused.getMessage());
  }

  @Test
  void shouldRefuseWhatIsNotItsOwn() {
    SteerKernel[] foreign = kernels(cpu, 1);
    SteerBatch batch = cuda.steerBatch();
    HostTensor plans = ints(0);
    TensorView x = place(cuda, HostTensor.ofFloats(Shape.of(1, WIDTH), rows(1, 0)));
    assertRefused(
        "a kernel of another backend in a batch of cuda:0",
        () -> apply(batch, foreign, plans, x, 0));
    TensorView elsewhere = new TensorView(x.address(), x.dtype(), x.shape(), MemorySpace.cuda(1));
    assertRefused(
        "the rows are in cuda:1 memory; this backend steers rows of cuda:0",
        () -> apply(batch, kernels(cuda, 1), plans, elsewhere, 0));
    batch.close();
    batch.close();
    IllegalStateException closed =
        assertThrows(IllegalStateException.class, () -> apply(batch, foreign, plans, x, 0));
    assertEquals("SteerBatch is closed", closed.getMessage());
  }

  private static void assertRefused(String text, Runnable call) {
    IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, call::run);
    assertEquals(text, refused.getMessage());
  }
}
