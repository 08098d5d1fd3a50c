package dev.coxswain.sae;

import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The layouts that are read, told apart by their files and never by the names of tensors. */
public enum SaeFormat {
  SAELENS("saelens", "cfg.json", "sae_weights.safetensors"),
  SPARSIFY("sparsify", "cfg.json", "sae.safetensors"),
  GEMMA_SCOPE_1("gemma-scope-1", "", "params.npz"),
  GEMMA_SCOPE_2("gemma-scope-2", "", "params.safetensors"),
  LLAMA_SCOPE("llama-scope", "hyperparams.json", "checkpoints/final.safetensors");

  private final String tag;
  private final String config;
  private final String weights;

  SaeFormat(String tag, String config, String weights) {
    this.tag = tag;
    this.config = config;
    this.weights = weights;
  }

  /** As in {@code cox inspect}. */
  public String tag() {
    return tag;
  }

  /** The configuration's file; empty where it may be missing. */
  String config() {
    return config;
  }

  /** The weights' file. */
  String weights() {
    return weights;
  }

  /**
   * The folder of an SAE, given it or one of its files.
   *
   * @throws FileException where there is nothing
   */
  static Path folder(Path path) {
    if (!Files.exists(path)) {
      throw FileException.of("cannot read", path, new NoSuchFileException(path.toString()));
    }
    if (Files.isDirectory(path)) {
      return path;
    }
    Path folder = path.toAbsolutePath().getParent();
    boolean inCheckpoints = folder.endsWith("checkpoints") && path.endsWith("final.safetensors");
    return inCheckpoints ? folder.getParent() : folder;
  }

  /** True for a file that belongs to one of the layouts. */
  public static boolean isFileOfOne(Path file) {
    for (SaeFormat format : values()) {
      boolean isConfig = !format.config.isEmpty() && file.endsWith(format.config);
      if (isConfig || file.endsWith(format.weights)) {
        return true;
      }
    }
    return false;
  }

  /**
   * @throws InvalidDataException where the folder holds no SAE, more than one, or one that is not
   *     read, with the reason
   */
  static SaeFormat of(Path folder) {
    List<SaeFormat> found = new ArrayList<>();
    for (SaeFormat format : values()) {
      if (has(folder, format.weights) && (format.config.isEmpty() || has(folder, format.config))) {
        found.add(format);
      }
    }
    if (found.size() == 1) {
      return found.get(0);
    }
    if (found.isEmpty()) {
      throw new InvalidDataException(folder + " " + whyNone(folder));
    }
    throw new InvalidDataException(
        folder
            + " holds files of more than one format: "
            + found.get(0).weights
            + " and "
            + found.get(1).weights);
  }

  private static boolean has(Path folder, String file) {
    return Files.exists(folder.resolve(file));
  }

  private static String whyNone(Path folder) {
    if (has(folder, "config.json") && has(folder, SAELENS.weights)) {
      return "holds config.json and sae_weights.safetensors: Llama Scope R1 and Llamascopium are"
          + " not read; SAELens has cfg.json";
    }
    if (has(folder, "wandb-config.yaml") || has(folder, "wanb-config.yaml")) {
      return "holds circuit-tracer transcoders, which are not read: only autoencoders are";
    }
    for (SaeFormat format : values()) {
      if (has(folder, format.weights)) {
        return "holds " + format.weights + " but no " + format.config;
      }
      if (!format.config.isEmpty() && has(folder, format.config)) {
        return "holds " + format.config + " but no " + weightsBeside(format);
      }
    }
    if (hasPickle(folder)) {
      return "holds a pickle (.pt, .pth), which is never read: docs/formats.md has the conversion";
    }
    return "is no SAE: no cfg.json (SAELens, sparsify), params.npz or params.safetensors (Gemma"
        + " Scope) or hyperparams.json (Llama Scope) is there";
  }

  private static String weightsBeside(SaeFormat format) {
    return format == LLAMA_SCOPE
        ? LLAMA_SCOPE.weights
        : SAELENS.weights + " or " + SPARSIFY.weights;
  }

  private static boolean hasPickle(Path folder) {
    try (var files = Files.list(folder)) {
      return files.anyMatch(file -> file.toString().matches(".*\\.(pt|pth|bin|pkl)"));
    } catch (IOException e) {
      throw FileException.of("cannot read", folder, e);
    }
  }
}
