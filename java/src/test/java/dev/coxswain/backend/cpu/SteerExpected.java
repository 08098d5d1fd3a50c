package dev.coxswain.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.SteerKernel;
import dev.coxswain.reference.CanonicalSteer;
import dev.coxswain.reference.SteerCase;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Floats;
import java.util.Arrays;

/** What the plain-Java arithmetic makes of rows. */
record SteerExpected(byte[] selection, byte[] y, long[] counters) {
  static SteerExpected of(SteerCase plan, TensorView x, byte[] selection) {
    float[] rows = Floats.of(x);
    byte[] y = bytes(x);
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
          System.arraycopy(bytes(out.view()), 0, y, i * rowBytes, rowBytes);
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

  /** Out of place, with gaps between rows, then in place. */
  void check(SteerKernel kernel, TensorView x, String where) {
    int rowBytes = Math.toIntExact(x.rowElements() * x.dtype().bytes());
    int gap = 6 * x.dtype().bytes();
    int n = Math.toIntExact(x.rows());
    try (HostTensor chosen = HostTensor.allocate(DType.U8, Math.max(1, n));
        HostTensor counted = HostTensor.allocate(DType.I64, SteerKernel.COUNTERS);
        HostTensor wide = HostTensor.allocate(DType.U8, 1 + (long) n * (rowBytes + gap));
        HostTensor copy = HostTensor.allocate(x.dtype(), x.shape())) {
      HostMemory.copy(selection, 0, chosen.view().address(), selection.length);
      long rows = selection.length == 0 ? 0 : chosen.view().address();
      long counts = counted.view().address();
      HostMemory.fill(wide.view().address(), wide.view().byteSize(), (byte) 0x7b);
      kernel.apply(
          x.address(), rowBytes, wide.view().address(), rowBytes + gap, n, x.dtype(), rows, counts);
      byte[] spread = bytes(wide.view());
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
      assertArrayEquals(counters, longs(counted.view()), where);
      HostMemory.copy(x.address(), copy.view().address(), x.byteSize());
      long in = copy.view().address();
      kernel.apply(in, rowBytes, in, rowBytes, n, x.dtype(), rows, counts);
      assertArrayEquals(y, bytes(copy.view()), where + " in place");
      for (int i = 0; i < counters.length; i++) {
        assertEquals(2 * counters[i], longs(counted.view())[i], where);
      }
    }
  }

  static byte[] bytes(TensorView view) {
    byte[] bytes = new byte[Math.toIntExact(view.byteSize())];
    if (bytes.length > 0) {
      HostMemory.copy(view.address(), bytes, 0, bytes.length);
    }
    return bytes;
  }

  static long[] longs(TensorView view) {
    long[] values = new long[Math.toIntExact(view.shape().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = HostMemory.getLong(view.address() + 8L * i);
    }
    assertTrue(values.length > 0);
    return values;
  }
}
