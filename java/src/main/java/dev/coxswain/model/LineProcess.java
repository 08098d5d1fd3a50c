package dev.coxswain.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.error.CoxswainException;
import dev.coxswain.error.DeviceException;
import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.Json;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * {@code cox-llama} as a server of JSON lines: a request goes in, events come out, then a result or
 * an error. Single-threaded.
 */
final class LineProcess implements AutoCloseable {
  private static final int END_SECONDS = 5;
  private static final int SIGNALLED = 128;

  private final Process process;
  private final BufferedWriter requests;
  private final BufferedReader replies;
  private final LastLine lastLine;
  private long lastId;

  private LineProcess(Process process) {
    this.process = process;
    this.requests = process.outputWriter(StandardCharsets.UTF_8);
    this.replies = process.inputReader(StandardCharsets.UTF_8);
    this.lastLine = new LastLine(process.getErrorStream());
  }

  static LineProcess start() {
    Path program = program();
    ProcessBuilder builder = new ProcessBuilder(program.toString());
    Map<String, String> environment = builder.environment();
    // The engine inside the process runs on the same Java and the same classes as we do.
    environment.put("COX_JAVA_HOME", System.getProperty("java.home"));
    environment.put("COX_JAR", System.getProperty("java.class.path"));
    environment.put("GGML_NO_BACKTRACE", "1");
    try {
      return new LineProcess(builder.start());
    } catch (IOException e) {
      throw new DeviceException("cannot start " + program + ": " + e.getMessage(), e);
    }
  }

  private static Path program() {
    String named = System.getProperty("cox.llama", System.getenv().getOrDefault("COX_LLAMA", ""));
    Path root = Path.of(System.getProperty("cox.root", "."));
    Path program =
        named.isEmpty() ? root.resolve("build/release/native/llama/cox-llama") : Path.of(named);
    if (!Files.exists(program) && !Files.exists(root.resolve("native"))) {
      throw new DeviceException(
          "this bundle runs no language model: run the command from the sources, or set COX_LLAMA to"
              + " a cox-llama");
    }
    if (!Files.isExecutable(program)) {
      throw new DeviceException(
          "there is no "
              + program
              + ": the build could not fetch llama.cpp; 'cox model get llama.cpp' does, given a"
              + " network");
    }
    return program;
  }

  JsonNode call(String operation, ObjectNode request) {
    return call(operation, request, event -> {});
  }

  /**
   * @param events hears what comes before the result
   */
  JsonNode call(String operation, ObjectNode request, Consumer<JsonNode> events) {
    request.put("op", operation).put("id", ++lastId);
    try {
      requests.write(Json.mapper().writeValueAsString(request));
      requests.write('\n');
      requests.flush();
      for (String line = replies.readLine(); line != null; line = replies.readLine()) {
        JsonNode reply = Json.parse(line, "a line of cox-llama");
        if (reply.has("event")) {
          events.accept(reply);
        } else if (reply.has("error")) {
          throw failure(reply.get("error"));
        } else {
          return reply.get("result");
        }
      }
    } catch (IOException e) {
      throw gone(e);
    }
    throw gone(null);
  }

  private static CoxswainException failure(JsonNode error) {
    String message = error.get("message").asText();
    return switch (error.get("fault").asText()) {
      case "usage" -> new UsageException(message);
      case "data" -> new InvalidDataException(message);
      case "file" -> new FileException(message, null);
      default -> new DeviceException(message);
    };
  }

  private DeviceException gone(Exception cause) {
    String how = "ended before it answered";
    try {
      if (process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
        int code = process.exitValue();
        how =
            code > SIGNALLED
                ? "was killed by signal " + (code - SIGNALLED)
                : "ended with exit code " + code;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    String said = lastLine.get();
    return new DeviceException(
        "cox-llama " + how + (said.isEmpty() ? "" : "; its last words: " + said), cause);
  }

  void kill() {
    process.destroyForcibly();
  }

  /** Closes its standard input, which ends it; by force if that takes too long. Idempotent. */
  @Override
  public void close() {
    try {
      requests.close();
    } catch (IOException e) {
      process.destroy(); // it is gone, or will be
    }
    try {
      if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  /** Reads a process's standard error, so that it never fills up, and keeps the last line. */
  private static final class LastLine {
    private volatile String line = "";

    LastLine(InputStream stream) {
      boolean echo = System.getenv("COX_VERBOSE") != null;
      Thread thread =
          new Thread(
              () -> {
                try (BufferedReader reader =
                    new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
                  for (String next = reader.readLine(); next != null; next = reader.readLine()) {
                    line = next.isBlank() ? line : next;
                    if (echo) {
                      System.err.println(next);
                    }
                  }
                } catch (IOException e) {
                  line = line.isEmpty() ? String.valueOf(e.getMessage()) : line;
                }
              },
              "cox-llama stderr");
      thread.setDaemon(true);
      thread.start();
    }

    String get() {
      return line;
    }
  }
}
