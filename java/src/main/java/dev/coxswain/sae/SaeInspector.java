package dev.coxswain.sae;

import dev.coxswain.io.SafetensorsFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** What an SAE's folder, or any safetensors file, holds; everything but the weights validated. */
public final class SaeInspector {
  private SaeInspector() {}

  /**
   * @param path an SAE's folder or one of its files, or any safetensors or .npz file
   * @return an object of strings, numbers, booleans and objects, in the order to show
   */
  public static Map<String, Object> inspect(Path path) {
    if (Files.isRegularFile(path) && !SaeFormat.isFileOfOne(path)) {
      return inspectFile(path);
    }
    Path folder = SaeFormat.folder(path);
    SaeDescription sae = SaeReader.describe(folder);
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("format", sae.format().tag());
    object.put("architecture", sae.architecture());
    object.put("d_model", sae.width());
    object.put("n_features", sae.features());
    object.put("k", sae.k().isPresent() ? sae.k().getAsInt() : null);
    object.put("dtype", sae.dtype());
    object.put("apply_b_dec_to_input", sae.subtractsBDec());
    sae.unsupported().ifPresent(reason -> object.put("unsupported", reason));
    object.put("metadata", sae.metadata());
    object.put("tensors", tensors(folder.resolve(sae.format().weights())));
    return object;
  }

  private static Map<String, Object> inspectFile(Path path) {
    Map<String, Object> object = new LinkedHashMap<>();
    boolean npz = path.toString().endsWith(".npz");
    object.put("format", npz ? "npz" : "safetensors");
    if (!npz) {
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        object.put("metadata", file.metadata());
        object.put("warnings", file.warnings());
      }
    }
    object.put("tensors", tensors(path));
    return object;
  }

  private static Map<String, Object> tensors(Path path) {
    Map<String, Object> tensors = new LinkedHashMap<>();
    try (WeightFile file = WeightFile.open(path)) {
      file.tensors()
          .forEach(
              (name, tensor) ->
                  tensors.put(
                      name,
                      Map.of("dtype", tensor.dtype().name(), "shape", tensor.shape().extents())));
    }
    return tensors;
  }
}
