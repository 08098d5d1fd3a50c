package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Backend;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.backend.contract.Placed;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Inputs;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * One encode whose result on CUDA must have the CPU's bits.
 *
 * @param places K, or 0 for as many as the fullest row needs
 */
record EncodeCase(
    Inputs.Arrays arrays,
    DType dtype,
    Activation activation,
    Normalization normalization,
    boolean subtracts,
    int places) {

  static EncodeCase topK(Inputs.Arrays arrays) {
    return new EncodeCase(
        arrays, DType.F32, Activation.TOP_K, Normalization.NONE, true, arrays.k());
  }

  /** Random values of any shape. */
  static Inputs.Arrays drawn(long seed, int n, int d, int features, int k) {
    SplittableRandom random = new SplittableRandom(seed + 31L * n + 17L * d + features);
    float[] threshold = Inputs.fill(random, features, 1f);
    for (int f = 0; f < features; f++) {
      threshold[f] = Math.abs(threshold[f]);
    }
    return new Inputs.Arrays(
        n,
        d,
        features,
        k,
        Inputs.fill(random, n * d, 2f),
        Inputs.fill(random, features * d, 1f),
        Inputs.fill(random, features, 0.5f),
        Inputs.fill(random, features * d, 1f),
        Inputs.fill(random, d, 0.5f),
        threshold);
  }

  EncodeCase as(Activation other) {
    return new EncodeCase(arrays, dtype, other, normalization, subtracts, 0);
  }

  EncodeCase of(DType other) {
    return new EncodeCase(arrays, other, activation, normalization, subtracts, places);
  }

  EncodeCase with(Normalization other, boolean subtracting) {
    return new EncodeCase(arrays, dtype, activation, other, subtracting, places);
  }

  EncodeCase places(int other) {
    return new EncodeCase(arrays, dtype, activation, normalization, subtracts, other);
  }

  /** What an encode wrote. */
  record Result(float[] values, int[] indices, float[] normalization, EncodeReport report) {
    static Result of(Backend backend, SparseRows active, EncodeReport report) {
      return new Result(
          Placed.floats(backend, active.values()),
          Placed.ints(backend, active.indices()),
          Placed.floats(backend, active.normalization()),
          report);
    }

    void assertSame(Result other, String where) {
      assertArrayEquals(indices, other.indices, where);
      assertArrayEquals(bits(values), bits(other.values), where);
      assertArrayEquals(bits(normalization), bits(other.normalization), where);
      assertEquals(report.nonFiniteRows(), other.report.nonFiniteRows(), where);
      assertEquals(report.unnormalizableRows(), other.report.unnormalizableRows(), where);
      assertEquals(report.mostActive(), other.report.mostActive(), where);
      assertEquals(report.firstOverfullRow(), other.report.firstOverfullRow(), where);
    }

    private static int[] bits(float[] values) {
      int[] bits = new int[values.length];
      Arrays.setAll(bits, i -> Float.floatToRawIntBits(values[i]));
      return bits;
    }
  }

  Result onCpu(CpuBackend cpu) {
    try (Placed placed = new Placed(cpu, arrays)) {
      Encoder encoder = placed.encoder(activation, normalization, subtracts);
      TensorView x = placed.x(dtype);
      int width = places;
      if (width == 0) {
        width = (int) Math.max(1, cpu.encode(encoder, x, placed.rows(arrays.n(), 1)).mostActive());
      }
      SparseRows active = placed.rows(arrays.n(), width);
      return Result.of(cpu, active, cpu.encode(encoder, x, active));
    }
  }

  /** With as many places as the expected result has. */
  Result onCuda(CudaBackend cuda, EncodeTuning tuning, int width) {
    try (Placed placed = new Placed(cuda, arrays)) {
      Encoder encoder = placed.encoder(activation, normalization, subtracts);
      SparseRows active = placed.rows(arrays.n(), width);
      CudaEncode encode = new CudaEncode(cuda.device(), tuning);
      return Result.of(cuda, active, encode.encode(encoder, placed.x(dtype), active));
    }
  }

  /** Rows that were scored in full, after the comparison. */
  long assertSameBits(CpuBackend cpu, CudaBackend cuda, EncodeTuning tuning) {
    Result expected = onCpu(cpu);
    int width = arrays.n() == 0 ? Math.max(1, places) : expected.values.length / arrays.n();
    Result found = onCuda(cuda, tuning, width);
    expected.assertSame(found, this.describe() + " " + tuning);
    return found.report.fullScans();
  }

  private String describe() {
    return String.format(
        "n %d, d %d, F %d, k %d, %s %s %s",
        arrays.n(), arrays.d(), arrays.features(), arrays.k(), dtype, activation, normalization);
  }
}
