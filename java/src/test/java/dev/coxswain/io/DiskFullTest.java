package dev.coxswain.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.coxswain.error.FileException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Output on a file system that is too small; needs leave to mount one. */
class DiskFullTest {
  @TempDir Path folder;

  @BeforeEach
  void mount() throws Exception {
    Assumptions.assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs") == 0,
        "no leave to mount a file system");
  }

  @AfterEach
  void unmount() throws Exception {
    run("umount");
  }

  private int run(String... command) throws IOException, InterruptedException {
    List<String> all = Stream.concat(Stream.of(command), Stream.of(folder.toString())).toList();
    try {
      return new ProcessBuilder(all)
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor();
    } catch (IOException e) {
      return -1; // there is no such program
    }
  }

  private void assertLeavesOnly(String... names) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(
          List.of(names), files.map(path -> path.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void shouldSayThatTheDiskIsFullAndKeepTheOldFile() throws Exception {
    Path path = folder.resolve("t.safetensors");
    try (HostTensor small = HostTensor.allocate(DType.F32, 16);
        HostTensor large = HostTensor.allocate(DType.F32, 1 << 16)) {
      SafetensorsWriter.write(path, Map.of("x", small.view()), Map.of());
      FileException error =
          assertThrows(
              FileException.class,
              () -> SafetensorsWriter.write(path, Map.of("x", large.view()), Map.of()));
      assertEquals("cannot write " + path + ": No space left on device", error.getMessage());
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        assertEquals(16, file.entry("x").shape().elements());
      }
    }
    assertLeavesOnly("t.safetensors");
  }

  @Test
  void shouldSayThatTheDiskIsFullWhileWritingLines() throws Exception {
    Path path = folder.resolve("e.jsonl");
    try (JsonLines.Writer lines = JsonLines.create(path)) {
      FileException error =
          assertThrows(
              FileException.class,
              () -> {
                for (int i = 0; i < 10_000; i++) {
                  lines.write(List.of("a line that takes some room", i));
                }
                lines.commit();
              });
      assertEquals("cannot write " + path + ": No space left on device", error.getMessage());
    }
    assertLeavesOnly();
  }
}
