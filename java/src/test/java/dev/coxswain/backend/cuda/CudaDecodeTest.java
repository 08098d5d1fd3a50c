package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rows of so many features that they are sorted by a launch of their own. */
@Tag("cuda")
class CudaDecodeTest {
  private static final long SEED = Seeds.next("CudaDecodeTest");

  private static CpuBackend cpu;
  private static CudaBackend cuda;

  @BeforeAll
  static void open() {
    cpu = CpuBackend.open(2);
    cuda = CudaBackend.open(0);
  }

  @AfterAll
  static void close() {
    cuda.close();
    cpu.close();
  }

  /** Active features of rows in any order, some places empty. */
  private record Problem(
      int features, int d, int n, int places, float[] values, int[] indices, float[] weights) {
    static Problem drawn(int features, int d, int n, int places) {
      SplittableRandom random = new SplittableRandom(SEED + places);
      int[] indices = new int[n * places];
      for (int row = 0; row < n; row++) {
        int[] shuffled = shuffled(features, random);
        for (int i = 0; i < places; i++) {
          indices[row * places + i] = random.nextInt(8) == 0 ? -1 : shuffled[i];
        }
      }
      float[] weights = Inputs.fill(random, features * d, 1f);
      float[] values = Inputs.fill(random, n * places, 1f);
      return new Problem(features, d, n, places, values, indices, weights);
    }

    private static int[] shuffled(int count, SplittableRandom random) {
      int[] order = new int[count];
      for (int i = 0; i < count; i++) {
        int j = random.nextInt(i + 1);
        order[i] = order[j];
        order[j] = i;
      }
      return order;
    }

    int[] decodedBy(Backend backend) {
      List<TensorOwner> owned = new ArrayList<>();
      try {
        SparseRows active =
            new SparseRows(
                place(backend, owned, HostTensor.ofFloats(Shape.of(n, places), values)),
                place(backend, owned, HostTensor.ofInts(Shape.of(n, places), indices)),
                place(backend, owned, HostTensor.ofFloats(Shape.of(n, 2), scales())));
        TensorView w = place(backend, owned, HostTensor.ofFloats(Shape.of(features, d), weights));
        TensorView b = place(backend, owned, HostTensor.ofFloats(Shape.of(d), new float[d]));
        TensorView xHat = place(backend, owned, HostTensor.allocate(DType.F32, n, d));
        backend.decode(new Decoder(w, b, Normalization.NONE), active, xHat);
        HostTensor result = HostTensor.allocate(DType.F32, n, d);
        owned.add(result);
        backend.copy(xHat, result.view());
        return bits(result.toFloats());
      } finally {
        for (int i = owned.size() - 1; i >= 0; i--) {
          owned.get(i).close();
        }
      }
    }

    private float[] scales() {
      float[] scales = new float[2 * n];
      for (int row = 0; row < n; row++) {
        scales[2 * row + 1] = 1;
      }
      return scales;
    }

    private static TensorView place(Backend backend, List<TensorOwner> owned, HostTensor host) {
      owned.add(host);
      TensorOwner placed = backend.place(host.view());
      owned.add(placed);
      return placed.view();
    }
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }

  @ParameterizedTest
  @CsvSource({
    "300, 20, 3, 256", // in a warp's registers
    "300, 20, 3, 257", // in shared memory
    "1500, 7, 2, 1500",
    "33000, 8, 2, 33000", // in device memory
    "150, 36, 37, 10", // by tiles of rows
    "100, 516, 16, 100"
  })
  void shouldSortAnyNumberOfFeaturesOfARow(int features, int d, int n, int places) {
    Problem problem = Problem.drawn(features, d, n, places);
    assertArrayEquals(problem.decodedBy(cpu), problem.decodedBy(cuda));
  }

  @Test
  void shouldAddAFeatureThatARowRepeatsTwiceAsTheCpuDoes() {
    Problem problem = Problem.drawn(64, 8, 20, 8);
    problem.indices()[3 * 8] = 11;
    problem.indices()[3 * 8 + 5] = 11;
    assertEquals(DecodePlan.Way.DENSE, DecodePlan.of(20, 8, 64, 8).way());
    assertArrayEquals(problem.decodedBy(cpu), problem.decodedBy(cuda));
  }

  @Test
  void shouldNameTheFirstBadIndexAlsoWhereRowsAreSortedBefore() {
    Problem problem = Problem.drawn(600, 8, 3, 500);
    problem.indices()[777] = 600;
    problem.indices()[1203] = -2;
    InvalidDataException refused =
        assertThrows(InvalidDataException.class, () -> problem.decodedBy(cuda));
    assertEquals(
        "row 1 has feature index 600; it must be -1 or below F = 600", refused.getMessage());
  }
}
