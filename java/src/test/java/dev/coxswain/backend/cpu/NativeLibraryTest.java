package dev.coxswain.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.error.CoxswainException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Loading happens once a process, so each case is a JVM of its own. */
@Timeout(120)
class NativeLibraryTest {
  @TempDir Path folder;

  /** Opens a backend and prints its name, or why not. */
  public static final class Probe {
    public static void main(String[] args) {
      try (CpuBackend backend = CpuBackend.open(1)) {
        System.out.println(backend.name());
      } catch (CoxswainException e) {
        System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
      }
    }
  }

  private ProcessBuilder probe(String... flags) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:TieredStopAtLevel=1");
    command.addAll(List.of(flags));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Probe.class.getName()));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("XDG_CACHE_HOME", folder.toString());
    builder.environment().remove("COX_MAX_ISA");
    builder.environment().remove("JDK_JAVA_OPTIONS");
    return builder.redirectError(ProcessBuilder.Redirect.DISCARD);
  }

  private static String output(Process process) throws Exception {
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return process.waitFor() == 0 ? output.strip() : "exit " + process.exitValue();
  }

  private List<Path> unpacked() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  @Test
  void shouldLoadInProcessesThatStartColdTogether() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      processes.add(probe().start());
    }
    for (Process process : processes) {
      String name = output(process);
      assertTrue(name.matches("cpu \\((portable|avx2|avx512), 1 thread\\)"), name);
    }
    List<String> names = unpacked().stream().map(file -> file.getFileName().toString()).toList();
    assertEquals(List.of("libcoxswain.so", "liblwjgl.so"), names);
  }

  @Test
  void shouldReplaceAnUnpackedLibraryThatIsNotTheOneOfItsHash() throws Exception {
    String name = output(probe().start());
    Path library = unpacked().get(0);
    byte[] whole = Files.readAllBytes(library);
    Files.write(library, new byte[] {1, 2, 3});
    assertEquals(name, output(probe().start()));
    org.junit.jupiter.api.Assertions.assertArrayEquals(whole, Files.readAllBytes(library));
  }

  @Test
  void shouldUnpackElsewhereWhereTheCacheIsNoFolder() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "in the way");
    ProcessBuilder builder = probe("-Djava.io.tmpdir=" + folder);
    builder.environment().put("XDG_CACHE_HOME", file.toString());
    String name = output(builder.start());
    assertTrue(name.startsWith("cpu ("), name);
    assertTrue(unpacked().stream().anyMatch(path -> path.endsWith("libcoxswain.so")));
  }

  @Test
  void shouldObeyTheCapOnInstructionSets() throws Exception {
    ProcessBuilder builder = probe();
    builder.environment().put("COX_MAX_ISA", "portable");
    assertEquals("cpu (portable, 1 thread)", output(builder.start()));
    builder.environment().put("COX_MAX_ISA", "sse9");
    assertEquals(
        "UsageException: COX_MAX_ISA is 'sse9'; use portable, avx2 or avx512",
        output(builder.start()));
  }

  @Test
  void shouldSayWhyANamedLibraryIsNotUsable() throws Exception {
    Path broken = Files.writeString(folder.resolve("broken.so"), "no library");
    String said = output(probe("-Dcoxswain.library=" + broken).start());
    assertTrue(said.startsWith("DeviceException: cannot load " + broken + ": "), said);
    assertEquals(1, said.lines().count());
  }

  @Test
  void shouldUseANamedLibraryAsItIs() throws Exception {
    output(probe().start());
    Path library = unpacked().get(0);
    Path moved = Files.move(library, folder.resolve("elsewhere.so"));
    String name = output(probe("-Dcoxswain.library=" + moved).start());
    assertTrue(name.startsWith("cpu ("), name);
    assertTrue(Files.notExists(library), "nothing is unpacked");
  }
}
