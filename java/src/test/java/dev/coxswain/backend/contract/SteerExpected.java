package dev.coxswain.backend.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.reference.CanonicalSteer;
import dev.coxswain.reference.SteerCase;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Floats;
import java.util.Arrays;

/** What the plain-Java arithmetic makes of rows in host memory. */
record SteerExpected(byte[] selection, byte[] y, long[] counters) {
  static SteerExpected of(SteerCase plan, TensorView x, byte[] selection) {
    float[] rows = Floats.of(x);
    byte[] y = Placed.bytes(x);
    long[] counters = new long[SteerKernel.COUNTERS];
    int rowBytes = plan.d() * x.dtype().bytes();
    for (int i = 0; i < x.rows(); i++) {
      if (selection.length > 0 && selection[i] == 0) {
        continue;
      }
      float[] row = Arrays.copyOfRange(rows, i * plan.d(), (i + 1) * plan.d());
      CanonicalSteer.Row steered = CanonicalSteer.steer(plan, row);
      counters[steered.fate().ordinal()]++;
      if (steered.fate() == CanonicalSteer.Fate.STEERED) {
        float limit = Floats.largest(x.dtype());
        counters[SteerKernel.SATURATED] +=
            x.dtype() == DType.F32 ? steered.clamped() : overflowing(steered.x(), x.dtype());
        float[] stored = steered.x().clone();
        for (int e = 0; e < stored.length; e++) {
          stored[e] = Math.max(-limit, Math.min(limit, stored[e]));
        }
        try (HostTensor out = Floats.tensor(x.dtype(), stored, 1, plan.d())) {
          System.arraycopy(Placed.bytes(out.view()), 0, y, i * rowBytes, rowBytes);
        }
      }
    }
    return new SteerExpected(selection, y, counters);
  }

  private static long overflowing(float[] row, DType dtype) {
    long count = 0;
    for (float value : row) {
      count += Float.isInfinite(Floats.round(dtype, value)) ? 1 : 0;
    }
    return count;
  }

  /**
   * Out of place, with gaps between rows, then in place.
   *
   * @param x the rows, in host memory
   */
  void check(Backend backend, SteerKernel kernel, TensorView x, String where) {
    int rowBytes = Math.toIntExact(x.rowElements() * x.dtype().bytes());
    int gap = 6 * x.dtype().bytes();
    int n = Math.toIntExact(x.rows());
    try (HostTensor chosen = HostTensor.allocate(DType.U8, Math.max(1, n));
        HostTensor counted = HostTensor.allocate(DType.I64, SteerKernel.COUNTERS);
        HostTensor rubbish = HostTensor.allocate(DType.U8, 1 + (long) n * (rowBytes + gap));
        TensorOwner wide = backend.allocate(DType.U8, rubbish.shape());
        TensorOwner copy = backend.allocate(x.dtype(), x.shape())) {
      HostMemory.copy(selection, 0, chosen.view().address(), selection.length);
      long rows = selection.length == 0 ? 0 : chosen.view().address();
      long counts = counted.view().address();
      HostMemory.fill(rubbish.view().address(), rubbish.view().byteSize(), (byte) 0x7b);
      backend.copy(rubbish.view(), wide.view());
      backend.copy(x, copy.view());
      long in = copy.view().address();
      long out = wide.view().address();
      kernel.apply(in, rowBytes, out, rowBytes + gap, n, x.dtype(), rows, counts);
      checkSpread(Placed.bytes(backend, wide.view()), n, rowBytes, gap, where);
      assertArrayEquals(counters, Placed.longs(counted.view()), where);
      assertArrayEquals(Placed.bytes(x), Placed.bytes(backend, copy.view()), where + " changed x");
      kernel.apply(in, rowBytes, in, rowBytes, n, x.dtype(), rows, counts);
      assertArrayEquals(y, Placed.bytes(backend, copy.view()), where + " in place");
      for (int i = 0; i < counters.length; i++) {
        assertEquals(2 * counters[i], Placed.longs(counted.view())[i], where);
      }
    }
  }

  private void checkSpread(byte[] spread, int n, int rowBytes, int gap, String where) {
    for (int i = 0; i < n; i++) {
      int at = i * (rowBytes + gap);
      assertArrayEquals(
          Arrays.copyOfRange(y, i * rowBytes, (i + 1) * rowBytes),
          Arrays.copyOfRange(spread, at, at + rowBytes),
          where + " row " + i);
      for (int g = 0; g < gap; g++) {
        assertEquals(0x7b, spread[at + rowBytes + g], where + " wrote behind row " + i);
      }
    }
  }
}
