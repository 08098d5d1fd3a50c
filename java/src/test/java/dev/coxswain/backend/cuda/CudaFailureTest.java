package dev.coxswain.backend.cuda;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.Engine;
import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Device;
import dev.coxswain.error.CoxswainException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A driver is what it is for the life of a process, so each case is a JVM of its own. */
@Tag("cuda")
@Timeout(120)
class CudaFailureTest {
  @TempDir Path folder;

  /** Uses a device as its arguments say and prints a line for each: what it got, or why not. */
  public static final class Probe {
    private static Optional<Backend> opened = Optional.empty();

    public static void main(String[] actions) {
      for (String action : actions) {
        try {
          System.out.println(run(action));
        } catch (CoxswainException e) {
          System.out.println(e.getMessage());
        }
      }
    }

    private static String run(String action) {
      String[] words = action.split("=");
      switch (words[0]) {
        case "open" -> opened = Optional.of(Engine.open(Device.parse(words[1]), 1).backend());
        case "close" -> backend().close();
        case "place" -> place(Integer.parseInt(words[1]));
        case "allocate" -> backend().allocate(DType.U8, Shape.of(Long.parseLong(words[1]))).close();
        case "devices" -> {
          return Engine.devices(1).get(1).toString();
        }
        default -> throw new IllegalArgumentException(action);
      }
      return words[0].equals("open") ? backend().name() : action;
    }

    private static Backend backend() {
      return opened.orElseThrow(() -> new CoxswainException("nothing is open"));
    }

    private static void place(int bytes) {
      try (HostTensor host = HostTensor.allocate(DType.U8, bytes);
          TensorOwner placed = backend().place(host.view())) {
        backend().copy(placed.view(), host.view());
      }
    }
  }

  private ProcessBuilder probe(Map<String, String> environment, String... actions) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir=" + folder));
    command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=info");
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Probe.class.getName()));
    command.addAll(List.of(actions));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("XDG_CACHE_HOME", folder.toString());
    builder.environment().remove("JDK_JAVA_OPTIONS");
    builder.environment().keySet().removeIf(name -> name.startsWith("SOFTCUDA_"));
    builder.environment().putAll(environment);
    return builder.redirectError(folder.resolve("stderr.txt").toFile());
  }

  private static List<String> output(Process process) throws Exception {
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int code = process.waitFor();
    return code == 0 ? output.lines().toList() : List.of("exit " + code);
  }

  private void says(Map<String, String> environment, List<String> actions, String... lines)
      throws Exception {
    List<String> said = output(probe(environment, actions.toArray(String[]::new)).start());
    assertEquals(List.of(lines), said, () -> read(folder.resolve("stderr.txt")));
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }

  @Test
  void shouldSayThatThereIsNoDriver() throws Exception {
    Assumptions.assumeFalse(
        Files.exists(Path.of("/usr/lib/x86_64-linux-gnu/libcuda.so.1")), "a real driver is here");
    String reason = "there is no CUDA driver: libcuda.so.1 is not on this machine";
    says(
        Map.of("LD_LIBRARY_PATH", ""),
        List.of("open=cuda", "open=cuda:3", "open=auto", "devices"),
        "cuda:0 is not usable: " + reason,
        "cuda:3 is not usable: " + reason,
        name("cpu"),
        "DeviceStatus[kind=CUDA, unusable=Optional[" + reason + "], details={}]");
  }

  /** What the CPU backend of one thread calls itself here. */
  private String name(String device) throws Exception {
    return output(probe(Map.of(), "open=" + device).start()).get(0);
  }

  @Test
  void shouldSayThatTheDriverSeesNoDevice() throws Exception {
    says(
        Map.of("SOFTCUDA_NO_DEVICE", "1"),
        List.of("open=cuda:0", "open=auto", "open=cuda:0"),
        "cuda:0 is not usable: the CUDA driver sees no device",
        name("cpu"),
        "cuda:0 is not usable: the CUDA driver sees no device");
  }

  @Test
  void shouldLogOnceWhatAutoChoseAndWhy() throws Exception {
    String noDevice = "using the CPU: the CUDA driver sees no device";
    assertEquals(1, logged(Map.of("SOFTCUDA_NO_DEVICE", "1"), noDevice));
    assertEquals(1, logged(Map.of(), "using " + name("cuda")));
  }

  /** How often a process that opens two devices by itself logs that line. */
  private long logged(Map<String, String> environment, String line) throws Exception {
    output(probe(environment, "open=auto", "close", "open=auto", "close").start());
    return read(folder.resolve("stderr.txt")).lines().filter(log -> log.endsWith(line)).count();
  }

  @Test
  void shouldSayThatTheDriverIsTooOld() throws Exception {
    says(
        Map.of("SOFTCUDA_DRIVER_VERSION", "11.4"),
        List.of("open=cuda"),
        "cuda:0 is not usable: the driver is for CUDA 11.4; 11.8 or newer is needed");
  }

  @Test
  void shouldSayWhichDevicesThereAre() throws Exception {
    says(
        Map.of("SOFTCUDA_DEVICES", "2"),
        List.of("open=cuda:1", "place=100", "close", "open=cuda:2"),
        name("cuda").replace("cuda:0", "cuda:1"),
        "place=100",
        "close",
        "cuda:2 is not usable: there is no cuda:2; cuda:0 to cuda:1 exist");
  }

  @Test
  void shouldSayThatThisBuildHasNoKernels() throws Exception {
    Path classes =
        Path.of(CudaBackend.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    Path without = folder.resolve("classes");
    try (Stream<Path> all = Files.walk(classes)) {
      for (Path path : all.filter(each -> !each.toString().contains("kernels")).toList()) {
        Files.copy(path, without.resolve(classes.relativize(path).toString()));
      }
    }
    ProcessBuilder builder = probe(Map.of(), "open=cuda", "open=auto");
    String path =
        System.getProperty("java.class.path").replace(classes.toString(), without.toString());
    builder.command().set(builder.command().indexOf("-cp") + 1, path);
    assertEquals(
        List.of(
            "cuda:0 is not usable: this build has no kernels: build it again where the CUDA"
                + " compiler can be fetched",
            name("cpu")),
        output(builder.start()));
  }

  @Test
  void shouldSayThatCublasIsMissingOrAnotherVersionAndDoWithoutIt() throws Exception {
    Path libraries = Path.of(System.getenv("LD_LIBRARY_PATH"));
    Files.copy(libraries.resolve("libcuda.so.1"), folder.resolve("libcuda.so.1"));
    doesWithoutCublas();
    String cublas = Files.readString(libraries.resolve("libcublas.so.12"), ISO_8859_1);
    Files.writeString(
        folder.resolve("libcublas.so.12"),
        cublas.replace("libcublas.so.12", "libcublas.so.13"), // what its symbols are versioned with
        ISO_8859_1);
    doesWithoutCublas();
  }

  private void doesWithoutCublas() throws Exception {
    String reason =
        "cublas=there is no cuBLAS 12: libcublas.so.12 is not on this machine or does not load,";
    ProcessBuilder builder =
        probe(Map.of("LD_LIBRARY_PATH", folder.toString()), "devices", "open=cuda");
    List<String> said = output(builder.start());
    assertTrue(said.get(0).contains(reason), said.toString());
    assertEquals(name("cuda"), said.get(1));
  }

  @Test
  void shouldFreeEverythingAndGoOnWhereMemoryRunsOut() throws Exception {
    List<String> said =
        output(
            probe(
                    Map.of("SOFTCUDA_MEMORY", "64M"),
                    "open=cuda",
                    "allocate=100000000",
                    "place=100000000",
                    "allocate=40000000",
                    "place=40000000",
                    "close")
                .start());
    String full =
        "cuda:0 is out of memory: 100000000 bytes are asked for, \\d+ of 67108864 are free";
    assertTrue(said.get(1).matches(full), said.get(1));
    assertTrue(said.get(2).matches(full), said.get(2));
    assertEquals(List.of("allocate=40000000", "place=40000000", "close"), said.subList(3, 6));
  }

  @Test
  void shouldFreeWhatAFailedCopyWasFor() throws Exception {
    says(
        Map.of("SOFTCUDA_FAIL_COPY", "1:1"),
        List.of("open=cuda", "place=100", "place=100", "close"),
        name("cuda"),
        "cuda:0 could not finish its work: CUDA_ERROR_INVALID_VALUE",
        "place=100",
        "close");
  }

  @Test
  void shouldSayForEverWhyADeviceIsLostAndStillClose() throws Exception {
    String reason = "cuda:0 could not finish its work: CUDA_ERROR_LAUNCH_FAILED (a kernel failed)";
    says(
        Map.of("SOFTCUDA_FAIL_COPY", "1:719"),
        List.of("open=cuda", "place=100", "place=100", "allocate=5", "close"),
        name("cuda"),
        reason,
        reason + "; it is lost to this process",
        reason + "; it is lost to this process",
        "close");
  }

  @Test
  void shouldNeverHangOrCrashWhicheverCallTheDeviceIsLostAt() throws Exception {
    for (int call = 1; call <= 40; call += 3) {
      List<String> said =
          output(
              probe(
                      Map.of("SOFTCUDA_LOSE_DEVICE", String.valueOf(call)),
                      "open=cuda",
                      "place=5000000")
                  .start());
      assertEquals(2, said.size(), "lost at call " + call + ": " + said);
    }
  }

  /** Both JCuda and LWJGL, whose own unpacking crashes here. */
  @Test
  void shouldLoadIn24ProcessesThatStartColdTogether() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      processes.add(probe(Map.of(), "open=cpu", "open=cuda", "place=1000", "close").start());
    }
    for (Process process : processes) {
      List<String> said = output(process);
      assertEquals(4, said.size(), said.toString());
      assertTrue(said.get(0).startsWith("cpu ("), said.toString());
      assertTrue(said.get(1).startsWith("cuda:0 ("), said.toString());
      assertEquals(List.of("place=1000", "close"), said.subList(2, 4));
    }
    try (Stream<Path> files = Files.walk(folder)) {
      assertEquals(
          List.of("libJCudaDriver-12.6.0-linux-x86_64.so", "libcoxswain.so", "liblwjgl.so"),
          files
              .map(file -> file.getFileName().toString())
              .filter(file -> file.endsWith(".so"))
              .sorted()
              .toList());
    }
  }
}
