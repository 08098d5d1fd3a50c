package dev.coxswain.testing;

import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Small SAEs in the formats that we read and do not write. */
public final class ForeignSaes {
  private static final int WIDTH = 5;
  private static final int FEATURES = 9;

  private ForeignSaes() {}

  /** Gemma Scope 1. */
  public static void writeGemmaScope(Path path, boolean deflated) throws IOException {
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(path))) {
      add(zip, "W_enc", deflated, WIDTH, FEATURES);
      add(zip, "W_dec", deflated, FEATURES, WIDTH);
      add(zip, "b_enc", deflated, FEATURES);
      add(zip, "b_dec", deflated, WIDTH);
      add(zip, "threshold", deflated, FEATURES);
    }
  }

  private static void add(ZipOutputStream zip, String name, boolean deflated, int... extents)
      throws IOException {
    float[] values = Inputs.fill(new SplittableRandom(1), product(extents), 1f);
    byte[] array = npy("<f4", false, values, extents);
    ZipEntry entry = new ZipEntry(name + ".npy");
    if (!deflated) {
      CRC32 crc = new CRC32();
      crc.update(array);
      entry.setMethod(ZipEntry.STORED);
      entry.setSize(array.length);
      entry.setCrc(crc.getValue());
    }
    zip.putNextEntry(entry);
    zip.write(array);
    zip.closeEntry();
  }

  private static int product(int[] extents) {
    int product = 1;
    for (int extent : extents) {
      product *= extent;
    }
    return product;
  }

  /** A .npy file of float32. */
  public static byte[] npy(String descr, boolean columnMajor, float[] values, int... extents) {
    StringBuilder shape = new StringBuilder();
    for (int extent : extents) {
      shape.append(extent).append(", ");
    }
    String tuple = shape.toString().replaceAll(extents.length > 1 ? ", $" : " $", "");
    String header =
        "{'descr': '"
            + descr
            + "', 'fortran_order': "
            + (columnMajor ? "True" : "False")
            + ", 'shape': ("
            + tuple
            + "), }";
    String padded = header + " ".repeat(63 - (10 + header.length()) % 64) + "\n";
    ByteBuffer bytes =
        ByteBuffer.allocate(10 + padded.length() + 4 * values.length)
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.put((byte) 0x93).put("NUMPY\1\0".getBytes(StandardCharsets.ISO_8859_1));
    bytes.putShort((short) padded.length()).put(padded.getBytes(StandardCharsets.ISO_8859_1));
    for (float value : values) {
      bytes.putFloat(value);
    }
    return bytes.array();
  }

  /** Gemma Scope 2. */
  public static void writeGemmaScope2(Path folder) throws IOException {
    write(
        folder.resolve("params.safetensors"),
        Map.of(
            "w_enc", Shape.of(WIDTH, FEATURES),
            "w_dec", Shape.of(FEATURES, WIDTH),
            "b_enc", Shape.of(FEATURES),
            "b_dec", Shape.of(WIDTH),
            "threshold", Shape.of(FEATURES)));
    Files.writeString(
        folder.resolve("config.json"),
        "{\"architecture\":\"jump_relu\",\"model_name\":\"m\",\"hf_hook_point_in\":\"a\"}");
  }

  /** Llama Scope; the folder holds {@code checkpoints}. */
  public static void writeLlamaScope(Path folder) throws IOException {
    write(
        folder.resolve("checkpoints/final.safetensors"),
        Map.of(
            "encoder.weight", Shape.of(FEATURES, WIDTH),
            "encoder.bias", Shape.of(FEATURES),
            "decoder.weight", Shape.of(WIDTH, FEATURES),
            "decoder.bias", Shape.of(WIDTH)));
    Files.writeString(
        folder.resolve("hyperparams.json"),
        "{\"use_decoder_bias\":true,\"use_glu_encoder\":false,\"act_fn\":\"jumprelu\","
            + "\"apply_decoder_bias_to_pre_encoder\":false,\"jump_relu_threshold\":0.4,"
            + "\"norm_activation\":\"dataset-wise\",\"sparsity_include_decoder_norm\":true,"
            + "\"dataset_average_activation_norm\":{\"in\":9.1,\"out\":9.1},"
            + "\"d_model\":5,\"d_sae\":9,\"top_k\":4,\"hook_point_in\":\"h\","
            + "\"hook_point_out\":\"h\"}");
  }

  private static void write(Path path, Map<String, Shape> shapes) {
    List<HostTensor> owned = new ArrayList<>();
    Map<String, TensorView> views = new HashMap<>();
    try {
      shapes.forEach(
          (name, shape) -> {
            float[] values = Inputs.fill(new SplittableRandom(2), (int) shape.elements(), 1f);
            HostTensor tensor = Floats.tensor(DType.F32, values, shape.extents());
            owned.add(tensor);
            views.put(name, tensor.view());
          });
      SafetensorsWriter.write(path, views, Map.of());
    } finally {
      owned.forEach(HostTensor::close);
    }
  }
}
