package dev.coxswain.bench;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.io.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What this machine allows, measured in this run by {@code cox-machine} on all cores.
 *
 * @param processor its name
 * @param threads used
 * @param isa widest instruction set of the measurement
 * @param flopsPerSecond peak of float32 fused multiply-adds, each two
 * @param readBytesPerSecond by size of the working set in bytes
 */
record Machine(
    String processor,
    int threads,
    String isa,
    double flopsPerSecond,
    TreeMap<Long, Double> readBytesPerSecond) {
  private static final List<Long> WORKING_SETS =
      List.of(16L << 10, 128L << 10, 1L << 20, 8L << 20, 32L << 20, 128L << 20, 1L << 30);

  static Machine measure(Path program) throws IOException, InterruptedException {
    int threads = Runtime.getRuntime().availableProcessors();
    List<String> command = new ArrayList<>(List.of(program.toString(), String.valueOf(threads)));
    WORKING_SETS.forEach(bytes -> command.add(bytes.toString()));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    byte[] output = process.getInputStream().readAllBytes();
    if (process.waitFor() != 0) {
      throw new IOException(program + " failed with exit code " + process.exitValue());
    }
    JsonNode json = Json.parse(new String(output, StandardCharsets.UTF_8), program.toString());
    TreeMap<Long, Double> read = new TreeMap<>();
    json.get("read")
        .forEach(
            point -> read.put(point.get("bytes").asLong(), point.get("bytes_per_s").asDouble()));
    return new Machine(
        processorName(),
        threads,
        json.get("isa").asText(),
        json.get("flops_per_s").asDouble(),
        read);
  }

  private static String processorName() throws IOException {
    return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
        .filter(line -> line.startsWith("model name"))
        .map(line -> line.substring(line.indexOf(':') + 2))
        .findFirst()
        .orElse(System.getProperty("os.arch"));
  }

  Map<String, Object> asObject() {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("processor", processor);
    object.put("threads", threads);
    object.put("instruction_set", isa);
    object.put("flops_per_s", flopsPerSecond);
    object.put("read_bytes_per_s_by_working_set", readBytesPerSecond);
    return object;
  }

  /** As measured for the working set next in size, on a scale of ratios. */
  double bytesPerSecond(double bytes) {
    return readBytesPerSecond.entrySet().stream()
        .min((a, b) -> Double.compare(distance(a.getKey(), bytes), distance(b.getKey(), bytes)))
        .map(Map.Entry::getValue)
        .orElseThrow();
  }

  private static double distance(double a, double b) {
    return Math.abs(Math.log(a / b));
  }
}
