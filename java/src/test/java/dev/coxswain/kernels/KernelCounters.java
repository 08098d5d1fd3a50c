package dev.coxswain.kernels;

import dev.coxswain.testing.CountedRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * What the software CUDA driver counted of one kernel's launches (native/softcuda,
 * SOFTCUDA_COUNTERS).
 *
 * @param launches of the kernel
 * @param threads of a block
 * @param sharedBytes dynamic shared memory of a block
 * @param movedBytes of all 32-byte sectors that loads and stores touched, each time they did
 * @param loadSectors of global loads
 * @param idealLoadSectors that the bytes of each load request fill
 * @param sharedRequests to shared memory, a warp instruction each
 * @param conflicts wavefronts of shared memory beyond those that the bytes need
 * @param mma warp instructions
 * @param barriers of blocks
 * @param fp32 float32 operations of threads
 * @param fp64 double operations of threads
 */
record KernelCounters(
    long launches,
    int threads,
    int sharedBytes,
    long movedBytes,
    long loadSectors,
    long idealLoadSectors,
    long sharedRequests,
    long conflicts,
    long mma,
    long barriers,
    long fp32,
    long fp64) {
  private static final int SECTOR = 32;

  /** Runs a case in a JVM of its own; by kernel. */
  static Map<String, KernelCounters> of(KernelCase kernelCase)
      throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("kernel-counters");
    CountedRun run =
        CountedRun.of(
            folder,
            Map.of(
                "SOFTCUDA_CHECKS", "none",
                "SOFTCUDA_DEVICE_PRESET", "sm_90"), // launches hang on the device
            KernelCases.class,
            kernelCase.name());
    Map<String, KernelCounters> byKernel = new HashMap<>();
    for (String kernel : run.kernels()) {
      byKernel.put(kernel, read(run, kernel));
    }
    return byKernel;
  }

  private static KernelCounters read(CountedRun run, String kernel) {
    long loadSectors = run.count(kernel, "globalLoad/sectors");
    return new KernelCounters(
        run.launches(kernel),
        (int) (32 * run.count(kernel, "warps") / Math.max(1, run.count(kernel, "ctas"))),
        (int) run.fixed(kernel, "dynamic_shared_bytes"),
        SECTOR * (loadSectors + run.count(kernel, "globalStore/sectors")),
        loadSectors,
        run.count(kernel, "globalLoad/idealSectors"),
        run.count(kernel, "sharedRequests"),
        run.count(kernel, "sharedConflicts"),
        run.count(kernel, "mma"),
        run.count(kernel, "barriers"),
        run.instructions(kernel, "fp32"),
        run.instructions(kernel, "fp64"));
  }

  /** Share of the sectors that loads moved which their bytes needed. */
  double usefulSectors() {
    return loadSectors == 0 ? 1 : (double) idealLoadSectors / loadSectors;
  }

  double conflictsARequest() {
    return (double) conflicts / Math.max(1, sharedRequests);
  }
}
