package dev.coxswain.model;

import dev.coxswain.error.DeviceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * llama.cpp's libraries and headers. The build fetches them by the same script; where it could not,
 * this does, and builds {@code cox-llama} then.
 */
final class LlamaCppRecipe implements Recipe {
  @Override
  public String name() {
    return "llama.cpp";
  }

  @Override
  public String what() {
    return "llama.cpp v0.5.0, libraries and headers that the build needs, 46 MB to download, MIT";
  }

  @Override
  public String folder() {
    return "llama.cpp-3.22.1";
  }

  @Override
  public String file() {
    return "lib/libllama.v0.5.0.so";
  }

  @Override
  public void make(Path folder, Downloads downloads, Consumer<String> log) throws IOException {
    Files.delete(folder); // the script puts everything in its place itself
    Path root = Path.of(System.getProperty("cox.root", "."));
    log.accept("downloading llama.cpp");
    run(folder.getParent(), root.resolve("native/llama/fetch.sh").toString());
    if (Files.isRegularFile(root.resolve("build/release/build.ninja"))) {
      log.accept("building cox-llama");
      run(folder.getParent(), "cmake", "-S", root.toString(), "--preset", "release");
      run(folder.getParent(), root.resolve("native/build.sh").toString(), "release");
    }
  }

  private static void run(Path cache, String... command) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("COX_CACHE", cache.toString());
    Process process = builder.start();
    List<String> said = new ArrayList<>();
    process.inputReader().lines().forEach(said::add);
    try {
      if (process.waitFor() != 0) {
        throw new DeviceException(
            said.isEmpty() ? command[0] + " failed" : said.get(said.size() - 1));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DeviceException("interrupted while fetching llama.cpp", e);
    }
  }
}
