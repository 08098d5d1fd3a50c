package dev.coxswain.backend.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.testing.TestProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A mistake that a hand could make in a kernel is caught by the tests of its operation. */
@Tag("cuda")
class MutatedKernelsTest {
  /** One mistake: {@code before}, which stands once in the file, becomes {@code after}. */
  private enum Mutant {
    BARRIER_BEFORE_THE_GATE_IS_READ(
        "steer.cu",
        "steer",
        "kSteerWarps, shared.coefficients);\n  __syncthreads();\n  closeGates",
        "kSteerWarps, shared.coefficients);\n  closeGates",
        SteerTest.class),
    BARRIER_BETWEEN_TILES_OF_LOGITS(
        "explain_logits.cu",
        "explain_logits",
        "copyAsyncWait<kStages - 2>();\n      __syncthreads();",
        "copyAsyncWait<kStages - 2>();",
        ExplainTest.class),
    BARRIER_BETWEEN_ROWS_OF_THE_SORT(
        "train_sort.cu",
        "train_sort",
        "for (int64_t row = first; row < end; ++row) {\n    __syncthreads();",
        "for (int64_t row = first; row < end; ++row) {",
        TrainStepTest.class),
    SHIFTED_ROW_OF_A_DECODE(
        "decode.cu",
        "decode",
        "args.normalization[2 * row],",
        "args.normalization[2 * row + 1],",
        DecodeTest.class),
    SWAPPED_TIE_BREAK(
        "common/order.cuh",
        "encode",
        "static_cast<uint32_t>(~index);\n}",
        "index;\n}",
        EncodeTest.class);

    final String file;
    final String module;
    final String before;
    final String after;
    final Class<?> tests;

    Mutant(String file, String module, String before, String after, Class<?> tests) {
      this.file = file;
      this.module = module;
      this.before = before;
      this.after = after;
      this.tests = tests;
    }
  }

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource
  void shouldFailTheTestsOfItsOperation(Mutant mutant) throws Exception {
    copySources();
    change(folder.resolve("kernels").resolve(mutant.file), mutant);
    assertEquals(TestProcess.FAILED, exitOf(mutant.module, mutant.tests), () -> text(log()));
    assertFalse(text(log()).contains("could not load"), () -> text(log()));
    System.out.println(mutant + ": " + lastLine(log()));
  }

  /** Else a mutant could be caught by whatever is wrong with a process of its own. */
  @Test
  void shouldPassTheTestsWithTheKernelAsItIs() throws Exception {
    copySources();
    assertEquals(TestProcess.PASSED, exitOf("decode", DecodeTest.class), () -> text(log()));
  }

  private void copySources() throws IOException {
    copyTree(root().resolve("kernels"), folder.resolve("kernels"));
    copyTree(root().resolve("scripts"), folder.resolve("scripts"));
  }

  /** How the tests end with that module compiled from the copied sources. */
  private int exitOf(String module, Class<?> tests) throws Exception {
    Path modules = Files.createDirectories(folder.resolve("resources/kernels"));
    compile(module, modules);
    Process process =
        TestProcess.of(folder.resolve("resources"), tests)
            .redirectErrorStream(true)
            .redirectOutput(log().toFile())
            .start();
    boolean ended = process.waitFor(3, TimeUnit.MINUTES);
    process.destroyForcibly();
    assertTrue(ended, () -> "still running: " + tests.getSimpleName());
    return process.exitValue();
  }

  private Path log() {
    return folder.resolve("log.txt");
  }

  private static Path root() {
    return Path.of(System.getProperty("cox.root")).toAbsolutePath();
  }

  private static void change(Path file, Mutant mutant) throws IOException {
    String source = Files.readString(file);
    assertEquals(
        1,
        source.split(Pattern.quote(mutant.before), -1).length - 1,
        () -> mutant + ": its place in " + mutant.file + " has changed");
    Files.writeString(file, source.replace(mutant.before, mutant.after));
  }

  private void compile(String module, Path modules) throws Exception {
    Path kernels = folder.resolve("kernels");
    Process process =
        new ProcessBuilder(
                kernels.resolve("compile.sh").toString(),
                "ptx",
                kernels.resolve(module + ".cu").toString(),
                modules.resolve(module + ".ptx").toString(),
                folder.resolve("dependencies").toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("compile.txt").toFile())
            .start();
    assertEquals(0, process.waitFor(), () -> text(folder.resolve("compile.txt")));
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String lastLine(Path log) {
    return text(log).strip().lines().reduce("", (before, line) -> line);
  }

  private static void copyTree(Path from, Path to) throws IOException {
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
              throws IOException {
            Files.createDirectories(to.resolve(from.relativize(directory)));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.copy(file, to.resolve(from.relativize(file)), StandardCopyOption.COPY_ATTRIBUTES);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
