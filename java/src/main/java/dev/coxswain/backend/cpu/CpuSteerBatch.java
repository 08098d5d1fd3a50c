package dev.coxswain.backend.cpu;

import dev.coxswain.backend.Requirements;
import dev.coxswain.backend.SteerBatch;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.MemorySpace;

/** Kernel after kernel, each on the rows that are its own. */
final class CpuSteerBatch implements SteerBatch {
  private final HostTensor counters = HostTensor.allocate(DType.I64, SteerKernel.COUNTERS);
  private HostTensor selection = HostTensor.allocate(DType.U8, 64);

  @Override
  public void apply(
      SteerKernel[] kernels,
      int count,
      long rowKernels,
      long rows,
      long stride,
      long n,
      DType dtype,
      MemorySpace space,
      long stream) {
    if (!space.isHost()) {
      throw new IllegalArgumentException(
          "the rows are in " + space + " memory; the CPU backend steers rows in host memory");
    }
    Requirements.rowKernels(count, rowKernels, n);
    long chosen = selection(n);
    for (int k = 0; k < count; k++) {
      if (select(k, rowKernels, chosen, n)) {
        long counted = counters.view().address();
        kernels[k].apply(rows, stride, rows, stride, n, dtype, chosen, counted);
      }
    }
  }

  private long selection(long n) {
    if (selection.view().byteSize() < n) {
      selection.close();
      selection = HostTensor.allocate(DType.U8, 2 * n);
    }
    return selection.view().address();
  }

  /** Marks the kernel's rows; false where it has none. */
  private static boolean select(int kernel, long rowKernels, long chosen, long n) {
    boolean any = false;
    for (long i = 0; i < n; i++) {
      boolean own = HostMemory.getInt(rowKernels + 4 * i) == kernel;
      HostMemory.putByte(chosen + i, (byte) (own ? 1 : 0));
      any |= own;
    }
    return any;
  }

  @Override
  public void count(long target) {
    long counted = counters.view().address();
    for (long i = 0; i < 8L * SteerKernel.COUNTERS; i += 8) {
      HostMemory.putLong(
          target + i, HostMemory.getLong(target + i) + HostMemory.getLong(counted + i));
      HostMemory.putLong(counted + i, 0);
    }
  }

  @Override
  public void close() {
    counters.close();
    selection.close();
  }
}
