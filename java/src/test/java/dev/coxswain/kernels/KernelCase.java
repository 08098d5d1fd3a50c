package dev.coxswain.kernels;

import dev.coxswain.backend.cuda.CudaBackend;
import java.util.List;
import java.util.function.Consumer;

/**
 * One operation of the CUDA backend at a stated shape, run to read the counters of its kernels.
 *
 * @param name of the operation, unique among the cases
 * @param shape as the table shows it
 * @param rows the kernels whose figures the table shows; other launches (an upload's, a
 *     preparation's) are left out
 * @param work runs the operation once
 */
record KernelCase(String name, String shape, List<Row> rows, Consumer<CudaBackend> work) {
  /**
   * What a kernel must move and what is promised of it.
   *
   * @param module as in {@code encode_scan} for kernels/encode_scan.cu
   * @param kernel as in {@code cox_encode_scan}
   * @param leastBytes of all its launches: every input read once, every output written once
   */
  record Row(String module, String kernel, long leastBytes, Promise promise) {}

  /**
   * What the counters of a kernel must show (docs/kernels.md); that none spills is promised for
   * all.
   *
   * @param bytes most bytes moved, in terms of the least
   * @param loads most sectors that load requests move, in terms of those that their bytes fill
   * @param conflicts most bank conflicts a request of shared memory
   * @param launches most of them in an operation
   */
  record Promise(double bytes, double loads, double conflicts, long launches) {
    /** Whole sectors, but for a few words beside the main loads. */
    private static final double WHOLE = 1.001;

    /**
     * One that streams its inputs once: bytes within 5 % of the least, whole sectors, no conflict.
     */
    static Promise streaming() {
      return new Promise(1.05, WHOLE, 0, Long.MAX_VALUE);
    }

    /** One that reads its inputs again from the L2 cache, with whole sectors and no conflict. */
    static Promise tiled() {
      return new Promise(Double.POSITIVE_INFINITY, WHOLE, 0, Long.MAX_VALUE);
    }

    Promise conflicts(double most) {
      return new Promise(bytes, loads, most, launches);
    }

    Promise launches(long most) {
      return new Promise(bytes, loads, conflicts, most);
    }

    /** Rows that begin anywhere: a request may touch one more sector. */
    Promise anyLoads() {
      return new Promise(bytes, Double.POSITIVE_INFINITY, conflicts, launches);
    }
  }
}
