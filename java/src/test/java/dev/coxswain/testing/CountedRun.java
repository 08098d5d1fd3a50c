package dev.coxswain.testing;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.io.JsonLines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** What the software CUDA driver counts of each kernel while a program runs. */
public final class CountedRun {
  private final Map<String, JsonNode> kernels = new TreeMap<>();

  private CountedRun() {}

  /**
   * Runs a class's {@code main} in a process of its own, with this one's class path.
   *
   * @param folder for the counters' file and the program's output
   * @param settings more of the environment
   */
  public static CountedRun of(
      Path folder, Map<String, String> settings, Class<?> program, String... arguments)
      throws IOException, InterruptedException {
    Path file = folder.resolve("counters.jsonl");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx512m", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("output.txt").toFile());
    builder.environment().put("SOFTCUDA_COUNTERS", file.toString());
    builder.environment().putAll(settings);
    Process process = builder.start();
    if (!process.waitFor(120, TimeUnit.SECONDS) || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new IOException(
          program.getName() + ": " + Files.readString(folder.resolve("output.txt")));
    }
    CountedRun counters = new CountedRun();
    JsonLines.read(file, line -> counters.add(line));
    return counters;
  }

  private void add(JsonNode line) {
    kernels.put(line.get("kernel").asText(), line);
  }

  /** Names of the kernels that were launched, in order of the alphabet. */
  public List<String> kernels() {
    return List.copyOf(kernels.keySet());
  }

  public long launches(String kernel) {
    return of(kernel).get("launches").asLong();
  }

  /**
   * A number of all launches of a kernel together.
   *
   * @param path as in {@code globalLoad/sectors}
   */
  public long count(String kernel, String path) {
    return number(kernel, "counters/" + path);
  }

  /** What a launch of the kernel has whatever it does, as {@code dynamic_shared_bytes}. */
  public long fixed(String kernel, String name) {
    return number(kernel, "static/" + name);
  }

  /** Thread instructions of a class, as {@code fp32}; 0 where there were none. */
  public long instructions(String kernel, String ofClass) {
    return of(kernel).at("/counters/byClass/" + ofClass).asLong();
  }

  private long number(String kernel, String path) {
    JsonNode value = of(kernel).at("/" + path);
    if (!value.isIntegralNumber()) {
      throw new IllegalArgumentException("there is no " + path + " in " + of(kernel));
    }
    return value.asLong();
  }

  private JsonNode of(String kernel) {
    JsonNode line = kernels.get(kernel);
    if (line == null) {
      throw new IllegalArgumentException(kernel + " was not launched; " + kernels() + " were");
    }
    return line;
  }
}
