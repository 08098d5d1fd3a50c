package dev.coxswain.kernels;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

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
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long MOST_SECONDS = 120;
  private static final int SECTOR = 32;

  /** Runs a case in a JVM of its own; by kernel. */
  static Map<String, KernelCounters> of(KernelCase kernelCase)
      throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("kernel-counters");
    Path counters = folder.resolve("counters.jsonl");
    Path log = folder.resolve("log.txt");
    ProcessBuilder builder =
        new ProcessBuilder(command(kernelCase))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().put("SOFTCUDA_COUNTERS", counters.toString());
    builder.environment().put("SOFTCUDA_CHECKS", "none");
    builder.environment().put("SOFTCUDA_DEVICE_PRESET", "sm_90"); // launches hang on the device
    Process process = builder.start();
    boolean ended = process.waitFor(MOST_SECONDS, TimeUnit.SECONDS);
    if (!ended || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new IOException(kernelCase.name() + " did not end well:\n" + Files.readString(log));
    }
    Map<String, KernelCounters> byKernel = new HashMap<>();
    for (String line : Files.readAllLines(counters)) {
      JsonNode kernel = JSON.readTree(line);
      byKernel.put(kernel.get("kernel").asText(), read(kernel));
    }
    return byKernel;
  }

  private static List<String> command(KernelCase kernelCase) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx512m", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(KernelCases.class.getName(), kernelCase.name()));
    return command;
  }

  private static KernelCounters read(JsonNode kernel) {
    JsonNode counters = kernel.get("counters");
    JsonNode load = counters.get("globalLoad");
    JsonNode store = counters.get("globalStore");
    return new KernelCounters(
        kernel.get("launches").asLong(),
        (int) (32 * number(counters, "warps") / Math.max(1, number(counters, "ctas"))),
        (int) number(kernel.get("static"), "dynamic_shared_bytes"),
        SECTOR * (number(load, "sectors") + number(store, "sectors")),
        number(load, "sectors"),
        number(load, "idealSectors"),
        number(counters, "sharedRequests"),
        number(counters, "sharedConflicts"),
        number(counters, "mma"),
        number(counters, "barriers"),
        counters.get("byClass").path("fp32").asLong(),
        counters.get("byClass").path("fp64").asLong());
  }

  private static long number(JsonNode object, String field) {
    JsonNode value = object.get(field);
    if (value == null) {
      throw new IllegalStateException("no '" + field + "' in " + object);
    }
    return value.asLong();
  }

  /** Share of the sectors that loads moved which their bytes needed. */
  double usefulSectors() {
    return loadSectors == 0 ? 1 : (double) idealLoadSectors / loadSectors;
  }

  double conflictsARequest() {
    return (double) conflicts / Math.max(1, sharedRequests);
  }
}
