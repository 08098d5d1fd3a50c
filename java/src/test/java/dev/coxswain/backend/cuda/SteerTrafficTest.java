package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.backend.SteerBatch;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Seeds;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What steering and decoding move, counted: no more than they must. */
@Tag("cuda")
class SteerTrafficTest {
  private static final int WIDTH = 576;

  /** Bytes moved above the least, as a share of it. */
  private static final double SLACK = 1.05;

  private final SplittableRandom random = new SplittableRandom(Seeds.next("SteerTrafficTest"));
  private final List<TensorOwner> owned = new ArrayList<>();
  private CpuBackend cpu;
  private CudaBackend cuda;

  @BeforeEach
  void open() {
    cpu = CpuBackend.open(1);
    cuda = CudaBackend.open(0);
  }

  @AfterEach
  void close() {
    for (int i = owned.size() - 1; i >= 0; i--) {
      owned.get(i).close();
    }
    cuda.close();
    cpu.close();
  }

  private TensorView place(HostTensor host) {
    owned.add(host);
    TensorOwner placed = cuda.place(host.view());
    owned.add(placed);
    return placed.view();
  }

  private TensorView floats(float size, int... extents) {
    int count = 1;
    long[] shape = new long[extents.length];
    for (int i = 0; i < extents.length; i++) {
      count *= extents[i];
      shape[i] = extents[i];
    }
    return place(HostTensor.ofFloats(Shape.of(shape), Inputs.fill(random, count, size)));
  }

  private SteerKernel clamp(int m) {
    SteerRule rule =
        new SteerRule(
            SteerRule.Kind.CLAMP,
            Optional.of(floats(0.1f, m, WIDTH)),
            Optional.of(floats(0.1f, m)),
            Optional.of(floats(0.1f, m, WIDTH)),
            Optional.empty(),
            9);
    return cuda.steerKernel(WIDTH, List.of(rule), Optional.empty());
  }

  @Test
  void shouldSteerABatchOfPlansInOneLaunchThatReadsEachPlansWeightsOnce() throws IOException {
    int m = 64;
    int[] plans = {0, 1, 0, 1, 0, 1, 0, 1, -1, 0, 1, 2, -1, 0, 0, 1, 1};
    SteerKernel[] kernels = {clamp(m), clamp(m), clamp(m)};
    TensorView x = floats(1f, plans.length, WIDTH);
    HostTensor rowKernels = HostTensor.ofInts(Shape.of(plans.length), plans);
    owned.add(rowKernels);
    Map<String, JsonNode> counters;
    try (SteerBatch batch = cuda.steerBatch()) {
      counters =
          SoftCudaCounters.of(
              () -> {
                batch.apply(
                    kernels,
                    kernels.length,
                    rowKernels.view().address(),
                    x.address(),
                    4L * WIDTH,
                    plans.length,
                    DType.F32,
                    x.space(),
                    0);
                cuda.allocate(DType.U8, Shape.of(1)).close(); // waits for the device
              });
    }
    for (SteerKernel kernel : kernels) {
      kernel.close();
    }
    JsonNode steer = counters.get("cox_steer");
    assertEquals(1, steer.get("launches").asLong());
    long weights = kernels.length * (2L * m * WIDTH + m) * 4;
    long rows = 15L * WIDTH * 4;
    check(steer, weights + rows, rows);
    assertEquals(0, steer.get("sharedConflicts").asLong());
    assertEquals(0, steer.get("localRequests").asLong());
  }

  @Test
  void shouldGatherNoMoreThanARowsWeights() throws IOException {
    int n = 5;
    int places = 32;
    int features = 1024;
    int[] indices = new int[n * places];
    for (int i = 0; i < indices.length; i++) {
      indices[i] = i % places * 31 + random.nextInt(31);
    }
    SparseRows active =
        new SparseRows(
            floats(1f, n, places),
            place(HostTensor.ofInts(Shape.of(n, places), indices)),
            floats(1f, n, 2));
    Decoder decoder =
        new Decoder(floats(1f, features, WIDTH), floats(1f, WIDTH), Normalization.NONE);
    TensorView xHat = place(HostTensor.allocate(DType.F32, n, WIDTH));
    JsonNode decode =
        SoftCudaCounters.of(() -> cuda.decode(decoder, active, xHat)).get("cox_decode");
    assertEquals(1, decode.get("launches").asLong());
    long bias = (long) n * WIDTH * 4;
    check(decode, (long) n * places * WIDTH * 4 + bias, (long) n * WIDTH * 4);
    assertEquals(0, decode.get("sharedConflicts").asLong());
  }

  private static void check(JsonNode kernel, long least, long leastStored) {
    JsonNode load = kernel.get("globalLoad");
    JsonNode store = kernel.get("globalStore");
    String where = kernel.toString();
    assertTrue(load.get("usefulBytes").asLong() >= least, where);
    assertTrue(32 * load.get("sectors").asLong() <= SLACK * least, where);
    assertTrue(load.get("sectors").asLong() <= SLACK * load.get("idealSectors").asLong(), where);
    assertTrue(32 * store.get("sectors").asLong() <= SLACK * leastStored, where);
  }
}
