package dev.coxswain.bench;

import com.fasterxml.jackson.databind.ObjectWriter;
import dev.coxswain.Engine;
import dev.coxswain.backend.Device;
import dev.coxswain.error.DeviceException;
import dev.coxswain.gpucheck.CheckReport;
import dev.coxswain.gpucheck.GpuCheck;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.runner.NoBenchmarksException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormat;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * {@code cox bench [--quick] [PATTERN]}: measures the machine, then every operation, prints the
 * table and writes it to {@code bench/results/}.
 */
public final class BenchMain {
  /** Of the inputs on a GPU. */
  private static final long SEED = 1;

  private final boolean quick;
  private final String pattern;

  private BenchMain(boolean quick, String pattern) {
    this.quick = quick;
    this.pattern = pattern;
  }

  public static void main(String[] arguments) throws Exception {
    List<String> patterns = new ArrayList<>(Arrays.asList(arguments));
    boolean quick = patterns.remove("--quick");
    if (patterns.size() > 1 || patterns.stream().anyMatch(text -> text.startsWith("-"))) {
      refuse("cox bench takes --quick and one pattern of benchmarks' names");
    }
    try {
      new BenchMain(quick, patterns.isEmpty() ? ".*" : "(?i).*" + patterns.get(0) + ".*").run();
    } catch (NoBenchmarksException e) {
      refuse("no benchmark's name contains '" + patterns.get(0) + "'");
    } catch (RunnerException e) {
      e.printStackTrace();
      System.err.println("cox: a benchmark failed; see above");
      System.exit(1);
    }
  }

  private static void refuse(String reason) {
    System.err.println("cox: " + reason);
    System.exit(2);
  }

  private void run() throws Exception {
    Path root = Path.of(System.getProperty("cox.root"));
    Machine machine = Machine.measure(root.resolve("build/release/native/bench/cox-machine"));
    System.out.printf(
        "%s, %d threads, %s: %.1f GFLOP/s, %.1f GB/s from memory%n",
        machine.processor(),
        machine.threads(),
        machine.isa(),
        machine.flopsPerSecond() / 1e9,
        machine.readBytesPerSecond().lastEntry().getValue() / 1e9);
    List<Row> rows = new ArrayList<>();
    System.out.println(Row.heading());
    OutputFormat format =
        ResultsFormat.of(
            result -> {
              rows.add(Row.of(result));
              System.out.println(rows.get(rows.size() - 1).text(machine));
            });
    new Runner(options().build(), format).run();
    Map<String, Object> cuda = measureCuda();
    System.out.println("written to " + root.relativize(write(root, machine, rows, cuda)));
  }

  private ChainedOptionsBuilder options() {
    return new OptionsBuilder()
        .include(pattern)
        .shouldFailOnError(true)
        .addProfiler(GCProfiler.class)
        .forks(quick ? 1 : 2)
        .warmupIterations(quick ? 1 : 3)
        .warmupTime(TimeValue.milliseconds(500))
        .measurementIterations(quick ? 3 : 5)
        .measurementTime(TimeValue.milliseconds(quick ? 500 : 1000));
  }

  /** The operations on the first GPU, or why there are no times of one. */
  private Map<String, Object> measureCuda() {
    try (Engine gpu = Engine.open(new Device(Device.Kind.CUDA, 0));
        Engine cpu = Engine.open(Device.CPU)) {
      CheckReport report = new GpuCheck(cpu, gpu, quick, SEED).measure(new CudaLines());
      return report.asObject();
    } catch (DeviceException e) {
      System.out.println("no CUDA rows: " + e.getMessage());
      return Map.of("not_measured", e.getMessage());
    }
  }

  private Path write(Path root, Machine machine, List<Row> rows, Map<String, Object> cuda)
      throws IOException {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("commit", System.getProperty("cox.commit", "unknown"));
    object.put("time", Instant.now().toString());
    object.put("quick", quick);
    object.put("java", Runtime.version().toString());
    object.put("backend", backendName());
    object.put("machine", machine.asObject());
    object.put("cuda", cuda);
    object.put("results", rows.stream().map(row -> row.asObject(machine)).toList());
    String commit = System.getProperty("cox.commit", "unknown");
    Path file = root.resolve("bench/results/" + commit + (quick ? "-quick" : "") + ".json");
    Files.createDirectories(file.getParent());
    ObjectWriter writer = Json.mapper().writerWithDefaultPrettyPrinter();
    AtomicFile.writeString(file, writer.writeValueAsString(object) + "\n");
    return file;
  }

  private static String backendName() {
    try (Engine engine = Engine.open(Device.CPU)) {
      return engine.backend().name();
    }
  }
}
