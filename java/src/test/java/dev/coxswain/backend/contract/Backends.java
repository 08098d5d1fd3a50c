package dev.coxswain.backend.contract;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.backend.cpu.CpuBackends;
import dev.coxswain.backend.cuda.CudaBackend;
import java.util.List;

/**
 * The backends that must all give the same bits: the CPU's instruction sets and thread counts, or,
 * under {@code -Dcox.cuda=true}, the CPU and the first CUDA device.
 */
public final class Backends implements AutoCloseable {
  /** Whether these tests are about CUDA, on the software driver, which executes slowly. */
  static final boolean CUDA = Boolean.getBoolean("cox.cuda");

  final List<Backend> all;

  /**
   * @param threads counts of the CPU's threads
   */
  Backends(int... threads) {
    all = CUDA ? List.of(CpuBackend.open(2), CudaBackend.open(0)) : CpuBackends.all(threads);
  }

  /**
   * One backend, for tests of what stands on it: the first CUDA device's where they are about CUDA.
   */
  public static Backend open() {
    return CUDA ? CudaBackend.open(0) : CpuBackend.open(2);
  }

  /** The one that a test of a single backend is about. */
  Backend subject() {
    return all.get(all.size() - 1);
  }

  /** A size of a test that is too much work for the software driver in full. */
  static int sized(int full, int onSoftwareDriver) {
    return CUDA ? onSoftwareDriver : full;
  }

  @Override
  public void close() {
    all.forEach(Backend::close);
  }
}
