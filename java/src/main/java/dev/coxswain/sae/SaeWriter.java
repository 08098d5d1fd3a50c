package dev.coxswain.sae;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Normalization;
import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.io.FloatConversion;
import dev.coxswain.io.Json;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.io.SafetensorsWriter.Declaration;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes autoencoders as SAELens 6 (which is our own layout) and sparsify. Nothing is folded: what
 * is read back as F32 is the same, bit for bit. The configuration is written last, so that a folder
 * without it is an unfinished one; every file appears whole or not at all.
 */
public final class SaeWriter {
  private static final long BLOCK_BYTES = 8 << 20;

  private SaeWriter() {}

  /** As {@link #writeSaeLens(SparseAutoencoder, Path, Optional, DType)} in F32. */
  public static void writeSaeLens(
      SparseAutoencoder sae, Path folder, Optional<float[]> log10Sparsity) {
    writeSaeLens(sae, folder, log10Sparsity, DType.F32);
  }

  /**
   * @param log10Sparsity log10(firing fraction + 1e-10) of each feature, where it is known
   * @param dtype of the weights: F32, F16 or BF16; a threshold stays F32, as the tool writes it
   * @throws FileException where it can't be written
   */
  public static void writeSaeLens(
      SparseAutoencoder sae, Path folder, Optional<float[]> log10Sparsity, DType dtype) {
    requireDType(dtype);
    Path config = begin(folder, SaeFormat.SAELENS);
    int features = sae.features();
    int width = sae.width();
    List<Declaration> tensors = new ArrayList<>();
    tensors.add(new Declaration("W_enc", dtype, Shape.of(width, features)));
    tensors.add(new Declaration("b_enc", dtype, Shape.of(features)));
    tensors.add(new Declaration("W_dec", dtype, Shape.of(features, width)));
    tensors.add(new Declaration("b_dec", dtype, Shape.of(width)));
    sae.threshold()
        .ifPresent(
            theta -> tensors.add(new Declaration("threshold", DType.F32, Shape.of(features))));
    Path weights = folder.resolve(SaeFormat.SAELENS.weights());
    try (SafetensorsWriter writer = SafetensorsWriter.create(weights, tensors, Map.of())) {
      appendTransposed(writer, "W_enc", sae.wEnc(), dtype);
      append(writer, "b_enc", sae.bEnc(), dtype);
      append(writer, "W_dec", sae.wDec(), dtype);
      append(writer, "b_dec", sae.bDec(), dtype);
      sae.threshold().ifPresent(theta -> writer.append("threshold", theta));
      writer.commit();
    }
    writeSparsity(folder.resolve("sparsity.safetensors"), log10Sparsity, features);
    AtomicFile.writeString(config, SaeLensCfg.of(sae, dtype).toPrettyString() + "\n");
  }

  private static void writeSparsity(Path path, Optional<float[]> log10Sparsity, int features) {
    if (log10Sparsity.isEmpty()) {
      delete(path);
      return;
    }
    try (HostTensor sparsity = HostTensor.ofFloats(Shape.of(features), log10Sparsity.get())) {
      SafetensorsWriter.write(path, Map.of("sparsity", sparsity.view()), Map.of());
    }
  }

  /** As {@link #writeSparsify(SparseAutoencoder, Path, DType)} in F32. */
  public static void writeSparsify(SparseAutoencoder sae, Path folder) {
    writeSparsify(sae, folder, DType.F32);
  }

  /**
   * @param dtype of all tensors: F32, F16 or BF16
   * @throws InvalidDataException for what sparsify has no words for: all but Top-K that subtracts
   *     b_dec and normalises nothing
   */
  public static void writeSparsify(SparseAutoencoder sae, Path folder, DType dtype) {
    requireDType(dtype);
    requireSparsify(sae);
    Path config = begin(folder, SaeFormat.SPARSIFY);
    int features = sae.features();
    int width = sae.width();
    List<Declaration> tensors =
        List.of(
            new Declaration("encoder.weight", dtype, Shape.of(features, width)),
            new Declaration("encoder.bias", dtype, Shape.of(features)),
            new Declaration("W_dec", dtype, Shape.of(features, width)),
            new Declaration("b_dec", dtype, Shape.of(width)));
    Path weights = folder.resolve(SaeFormat.SPARSIFY.weights());
    try (SafetensorsWriter writer = SafetensorsWriter.create(weights, tensors, sae.metadata())) {
      append(writer, "encoder.weight", sae.wEnc(), dtype);
      append(writer, "encoder.bias", sae.bEnc(), dtype);
      append(writer, "W_dec", sae.wDec(), dtype);
      append(writer, "b_dec", sae.bDec(), dtype);
      writer.commit();
    }
    AtomicFile.writeString(config, sparsifyConfig(sae).toPrettyString() + "\n");
  }

  private static ObjectNode sparsifyConfig(SparseAutoencoder sae) {
    ObjectNode config = Json.mapper().createObjectNode();
    config.put("activation", "topk");
    config.put("expansion_factor", Math.max(1, sae.features() / sae.width()));
    config.put("normalize_decoder", hasUnitRows(sae.wDec()));
    config.put("num_latents", sae.features());
    config.put("k", sae.k());
    config.put("multi_topk", false);
    config.put("skip_connection", false);
    config.put("transcode", false);
    config.put("d_in", sae.width());
    return config;
  }

  private static boolean hasUnitRows(TensorView wDec) {
    for (double norm : Folding.rowNorms(wDec)) {
      if (Math.abs(norm - 1) > 1e-3) {
        return false;
      }
    }
    return true;
  }

  private static void requireSparsify(SparseAutoencoder sae) {
    if (sae.activation() != Activation.TOP_K) {
      throw new InvalidDataException(
          "sparsify knows only Top-K; this SAE's activation is " + sae.activation());
    }
    if (!sae.subtractsBDec() || sae.normalization() != Normalization.NONE) {
      throw new InvalidDataException(
          "sparsify subtracts b_dec and normalises nothing; this SAE "
              + (sae.subtractsBDec() ? "normalises: " + sae.normalization() : "does not subtract"));
    }
  }

  private static void requireDType(DType dtype) {
    if (!dtype.isHiddenState()) {
      throw new UsageException("weights are written as F32, F16 or BF16, not " + dtype);
    }
  }

  /** Makes the folder an unfinished one. Returns the path of its configuration. */
  private static Path begin(Path folder, SaeFormat format) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw FileException.of("cannot write", folder, e);
    }
    Path config = folder.resolve(format.config());
    delete(config);
    return config;
  }

  private static void delete(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw FileException.of("cannot replace", path, e);
    }
  }

  private static void append(
      SafetensorsWriter writer, String name, TensorView tensor, DType dtype) {
    if (dtype == DType.F32) {
      writer.append(name, tensor);
      return;
    }
    long elements = tensor.shape().elements();
    TensorView flat = tensor.reshape(elements);
    long block = Math.max(1, Math.min(elements, BLOCK_BYTES / 4));
    for (long from = 0; from < elements; from += block) {
      appendBlock(writer, name, flat.rows(from, Math.min(elements, from + block)), dtype);
    }
  }

  private static void appendBlock(
      SafetensorsWriter writer, String name, TensorView floats, DType dtype) {
    try (HostTensor narrow = HostTensor.allocate(dtype, floats.shape())) {
      FloatConversion.narrow(floats, narrow.view());
      requireNoOverflow(name, floats, narrow.view());
      writer.append(name, narrow.view());
    }
  }

  /** Every weight is finite, and must be so when it is read again. */
  private static void requireNoOverflow(String name, TensorView floats, TensorView narrow) {
    float largest = narrow.dtype() == DType.F16 ? 65504f : Float.intBitsToFloat(0x7f7f0000);
    float rounded = narrow.dtype() == DType.F16 ? 65520f : Float.intBitsToFloat(0x7f7f8000);
    for (long i = 0; i < floats.shape().elements(); i++) {
      float value = HostMemory.getFloat(floats.address() + 4 * i);
      if (Math.abs(value) >= rounded) {
        throw new InvalidDataException(
            name + " holds " + value + ", beyond " + narrow.dtype() + "'s largest " + largest);
      }
    }
  }

  /** A [F, d] matrix as [d, F], in blocks of its rows. */
  private static void appendTransposed(
      SafetensorsWriter writer, String name, TensorView matrix, DType dtype) {
    long features = matrix.rows();
    long width = matrix.rowElements();
    long block = Math.max(1, Math.min(width, BLOCK_BYTES / (4 * features)));
    try (HostTensor floats = HostTensor.allocate(DType.F32, block, features)) {
      for (long from = 0; from < width; from += block) {
        TensorView part = floats.view().rows(0, Math.min(block, width - from));
        transpose(matrix, from, part);
        append(writer, name, part, dtype);
      }
    }
  }

  private static void transpose(TensorView matrix, long firstColumn, TensorView target) {
    long features = matrix.rows();
    long width = matrix.rowElements();
    for (long f = 0; f < features; f++) {
      long from = matrix.address() + 4 * (width * f + firstColumn);
      long to = target.address() + 4 * f;
      for (long row = 0; row < target.rows(); row++) {
        HostMemory.putInt(to + 4 * features * row, HostMemory.getInt(from + 4 * row));
      }
    }
  }
}
