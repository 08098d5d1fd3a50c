package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Runs {@code ./cox} as a user does: as a process of its own, in a folder of its own. */
final class CoxProcess {
  static final Path ROOT = Path.of(System.getProperty("cox.root", ".."));
  private static final long MOST_SECONDS = 120;

  /**
   * What a finished run left behind.
   *
   * @param arguments as given
   * @param code exit code
   * @param out standard output
   * @param err standard error
   */
  record Result(List<String> arguments, int code, String out, String err) {
    /** Fails unless the work was done. */
    Result ok() {
      assertEquals(0, code, this::toString);
      return this;
    }

    /** Fails unless the run ended with {@code expected} and one line on standard error alone. */
    String oneErrorLine(int expected) {
      assertEquals(expected, code, this::toString);
      assertEquals("", out, this::toString);
      assertEquals(1, err.lines().count(), this::toString);
      assertEquals(true, err.startsWith("cox: "), this::toString);
      return err.strip();
    }
  }

  private CoxProcess() {}

  static Result run(Path folder, Object... arguments) {
    List<String> command = new ArrayList<>(List.of(ROOT.resolve("cox").toString()));
    Arrays.stream(arguments).map(Object::toString).forEach(command::add);
    return execute(folder, command);
  }

  /** Runs a line of bash in which {@code "$COX"} is the script. */
  static Result bash(Path folder, String line) {
    return execute(folder, List.of("bash", "-c", line));
  }

  private static Result execute(Path folder, List<String> command) {
    try {
      ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
      builder.environment().put("COX", ROOT.resolve("cox").toString());
      builder.environment().remove("JAVA_TOOL_OPTIONS");
      Process process = builder.start();
      process.getOutputStream().close();
      CompletableFuture<String> out = text(process.getInputStream());
      CompletableFuture<String> err = text(process.getErrorStream());
      if (!process.waitFor(MOST_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError(command + " still ran after " + MOST_SECONDS + " s");
      }
      return new Result(command, process.exitValue(), out.join(), err.join());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static CompletableFuture<String> text(InputStream stream) {
    return CompletableFuture.supplyAsync(
        () -> {
          try (stream) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }
}
