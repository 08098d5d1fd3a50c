package dev.coxswain.sae;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.error.CoxswainException;
import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.io.Json;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.testing.Seeds;
import dev.coxswain.testing.SmallSae;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong with a folder is said in one line that names file and field. */
class SaeConfigTest {
  private static final long SEED = Seeds.next("SaeConfigTest");

  @TempDir Path folder;

  private void assertRefused(String text) {
    CoxswainException error =
        assertThrows(InvalidDataException.class, () -> SaeReader.read(folder).close());
    assertEquals(folder + text, error.getMessage());
  }

  private void assertSaeLensRefused(String text, Consumer<ObjectNode> change) {
    try (SparseAutoencoder sae = SmallSae.topK(SEED)) {
      SaeWriter.writeSaeLens(sae, folder, Optional.empty());
    }
    edit("cfg.json", change);
    assertRefused(text);
  }

  private void edit(String file, Consumer<ObjectNode> change) {
    ObjectNode cfg = (ObjectNode) Json.read(folder.resolve(file));
    change.accept(cfg);
    AtomicFile.writeString(folder.resolve(file), cfg.toString());
  }

  @Test
  void shouldNameAMissingField() {
    assertSaeLensRefused(
        "/cfg.json: field 'd_in' is missing; a positive integer is needed",
        cfg -> cfg.remove("d_in"));
    assertSaeLensRefused(
        "/cfg.json: field 'k' is missing; a positive integer is needed", cfg -> cfg.remove("k"));
    assertSaeLensRefused(
        "/cfg.json: field 'architecture' is missing; one of jumprelu, standard, topk is needed",
        cfg -> cfg.remove("architecture"));
  }

  @Test
  void shouldNameAFieldOfTheWrongType() {
    assertSaeLensRefused(
        "/cfg.json: field 'd_sae' is \"12\"; a positive integer is needed",
        cfg -> cfg.put("d_sae", "12"));
    assertSaeLensRefused(
        "/cfg.json: field 'apply_b_dec_to_input' is 1; true or false is needed",
        cfg -> cfg.put("apply_b_dec_to_input", 1));
    assertSaeLensRefused(
        "/cfg.json: field 'normalize_activations' is true; a string is needed",
        cfg -> cfg.put("normalize_activations", true));
    assertSaeLensRefused(
        "/cfg.json: field 'dtype' is \"int8\"; float32, float16, bfloat16 or float64 is needed",
        cfg -> cfg.put("dtype", "int8"));
    assertSaeLensRefused(
        "/cfg.json: field 'metadata' is []; an object is needed", cfg -> cfg.putArray("metadata"));
    assertSaeLensRefused(
        "/cfg.json: field 'metadata.sae_lens_version' is \"new\"; a version such as 6.0.0 is"
            + " needed",
        cfg -> cfg.withObject("/metadata").put("sae_lens_version", "new"));
  }

  @Test
  void shouldRefuseEveryImpossibleK() {
    assertSaeLensRefused(
        "/cfg.json: field 'k' is 0; a positive integer is needed", cfg -> cfg.put("k", 0));
    assertSaeLensRefused(
        "/cfg.json: field 'k' is 12.5; a positive integer is needed", cfg -> cfg.put("k", 12.5));
    assertSaeLensRefused("/cfg.json: k = 13 is more than d_sae = 12", cfg -> cfg.put("k", 13));
    assertSaeLensRefused(
        "/cfg.json: k is 3, but activation_fn_kwargs.k is 4: they contradict",
        cfg -> cfg.putObject("activation_fn_kwargs").put("k", 4));
    assertSaeLensRefused(
        "/cfg.json: architecture standard has no k, but field 'k' is there",
        cfg -> cfg.put("architecture", "standard"));
  }

  @Test
  void shouldRefuseWhatTheTensorsContradict() {
    assertSaeLensRefused(
        "/sae_weights.safetensors: tensor 'W_enc' is F32 [7, 12]; floating-point [8, 12] is needed",
        cfg -> cfg.put("d_in", 8));
    assertSaeLensRefused(
        "/sae_weights.safetensors has no tensor 'threshold'; it has W_dec, W_enc, b_dec, b_enc",
        cfg -> cfg.put("architecture", "jumprelu"));
    assertSaeLensRefused(
        "/cfg.json: finetuning_scaling_factor is true, but the weights have no scaling_factor",
        cfg -> cfg.put("finetuning_scaling_factor", true));
    try (SparseAutoencoder sae = SmallSae.jumpRelu(SEED)) {
      SaeWriter.writeSaeLens(sae, folder, Optional.empty());
    }
    edit("cfg.json", cfg -> cfg.put("architecture", "standard"));
    assertRefused(
        "/sae_weights.safetensors has the tensor 'threshold', which this kind of SAE does not"
            + " know: W_enc, b_enc, W_dec, b_dec are used");
  }

  @Test
  void shouldSayWhyAnArchitectureIsNotComputed() {
    assertSaeLensRefused(
        ": architecture gated is not computed: its activation is a product of two encoders",
        cfg -> cfg.put("architecture", "gated"));
    assertSaeLensRefused(
        ": architecture batchtopk is not computed: it is a training checkpoint; the final folder"
            + " says jumprelu",
        cfg -> cfg.put("architecture", "batchtopk").put("k", 10.5));
    assertSaeLensRefused(
        "/cfg.json: field 'architecture' is \"novel\"; one of jumprelu, standard, topk is needed",
        cfg -> cfg.put("architecture", "novel"));
    assertSaeLensRefused(
        ": d_out is not d_in: transcoders are not computed", cfg -> cfg.put("d_out", 9));
    assertSaeLensRefused(
        ": activation_fn tanh-relu is not computed for architecture topk",
        cfg -> cfg.put("activation_fn_str", "tanh-relu"));
    assertSaeLensRefused(
        "/cfg.json: field 'reshape_activations' is \"hook_q\"; none or hook_z is needed",
        cfg -> cfg.put("reshape_activations", "hook_q"));
  }

  @Test
  void shouldRefuseADatasetNormWithoutItsFactor() {
    assertSaeLensRefused(
        ": normalize_activations is expected_average_only_in, and the folder does not hold the"
            + " factor sqrt(d_in) / mean norm: give it as --norm-factor",
        cfg -> cfg.put("normalize_activations", "expected_average_only_in"));
    SaeReader.read(folder, OptionalDouble.of(0.5)).close();
    assertThrows(UsageException.class, () -> SaeReader.read(folder, OptionalDouble.of(0)));
    AtomicFile.writeString(folder.resolve("activation_scaler.json"), "{\"scaling_factor\": 0.25}");
    assertThrows(UsageException.class, () -> SaeReader.read(folder, OptionalDouble.of(0.5)));
    SaeReader.read(folder).close();
    AtomicFile.writeString(folder.resolve("activation_scaler.json"), "{\"has_whitening\": true}");
    assertRefused("/activation_scaler.json has whitening, which is not computed");
  }

  @Test
  void shouldNameAWeightThatIsNotFinite() {
    try (SparseAutoencoder sae = SmallSae.topK(SEED)) {
      HostMemory.putFloat(sae.wDec().address() + 20, Float.NaN);
      SaeWriter.writeSaeLens(sae, folder, Optional.empty());
    }
    assertRefused(
        "/sae_weights.safetensors: W_dec holds NaN at element 5; every weight must be finite");
  }

  @Test
  void shouldDescribeAnSaeThatIsTooLargeToRead() throws Exception {
    int features = 1 << 20;
    int width = 1 << 18; // 2 TiB in two matrices, of which the file system keeps nothing
    long matrix = 4L * features * width;
    String header =
        String.format(
            "{\"W_enc\":{\"dtype\":\"F32\",\"shape\":[%2$d,%1$d],\"data_offsets\":[0,%3$d]},"
                + "\"W_dec\":{\"dtype\":\"F32\",\"shape\":[%1$d,%2$d],\"data_offsets\":[%3$d,%4$d]},"
                + "\"b_enc\":{\"dtype\":\"F32\",\"shape\":[%1$d],\"data_offsets\":[%4$d,%5$d]},"
                + "\"b_dec\":{\"dtype\":\"F32\",\"shape\":[%2$d],\"data_offsets\":[%5$d,%6$d]}}",
            features,
            width,
            matrix,
            2 * matrix,
            2 * matrix + 4L * features,
            2 * matrix + 4L * features + 4L * width);
    try (RandomAccessFile file =
        new RandomAccessFile(folder.resolve("sae_weights.safetensors").toFile(), "rw")) {
      file.writeLong(Long.reverseBytes(header.length()));
      file.writeBytes(header);
      file.setLength(8 + header.length() + 2 * matrix + 4L * features + 4L * width);
    } catch (IOException e) {
      Assumptions.abort("this file system has no such large files");
    }
    AtomicFile.writeString(
        folder.resolve("cfg.json"),
        "{\"d_in\":" + width + ",\"d_sae\":" + features + ",\"architecture\":\"standard\"}");
    assertEquals(features, SaeInspector.inspect(folder).get("n_features"));
    InvalidDataException error =
        assertThrows(InvalidDataException.class, () -> SaeReader.read(folder).close());
    String start = "/sae_weights.safetensors: this SAE as F32 needs 2048.0 GiB of memory; ";
    assertTrue(error.getMessage().startsWith(folder + start), error.getMessage());
  }

  @Test
  void shouldNameTheFieldsOfSparsify() {
    assertSparsifyRefused(
        "/cfg.json: field 'k' is missing; a positive integer is needed", cfg -> cfg.remove("k"));
    assertSparsifyRefused("/cfg.json: k = 13 is more than the 12 latents", cfg -> cfg.put("k", 13));
    assertSparsifyRefused(
        ": signed activations, selected by magnitude, are not computed",
        cfg -> cfg.put("signed", true));
    assertSparsifyRefused(
        ": transcode is true: transcoders are not computed", cfg -> cfg.put("transcode", true));
    assertSparsifyRefused(
        "/cfg.json: field 'activation' is \"batchtopk\"; topk is needed",
        cfg -> cfg.put("activation", "batchtopk"));
    assertSparsifyRefused(
        "/sae.safetensors: tensor 'encoder.weight' is F32 [12, 7]; floating-point [224, 7] is"
            + " needed",
        cfg -> cfg.put("num_latents", 0).put("expansion_factor", 32));
  }

  private void assertSparsifyRefused(String text, Consumer<ObjectNode> change) {
    try (SparseAutoencoder sae = SmallSae.topK(SEED)) {
      SaeWriter.writeSparsify(sae, folder);
    }
    edit("cfg.json", change);
    assertRefused(text);
  }

  @Test
  void shouldSayWhatAFolderThatIsNoSaeHolds() throws Exception {
    String nothing =
        " is no SAE: no cfg.json (SAELens, sparsify), params.npz or params.safetensors (Gemma"
            + " Scope) or hyperparams.json (Llama Scope) is there";
    assertRefused(nothing);
    Files.writeString(folder.resolve("ae.pt"), "");
    assertRefused(
        " holds a pickle (.pt, .pth), which is never read: docs/formats.md has the conversion");
    Files.writeString(folder.resolve("cfg.json"), "{}");
    assertRefused(" holds cfg.json but no sae_weights.safetensors or sae.safetensors");
    Files.writeString(folder.resolve("sae.safetensors"), "");
    Files.writeString(folder.resolve("sae_weights.safetensors"), "");
    assertRefused(
        " holds files of more than one format: sae_weights.safetensors and sae.safetensors");
    Path missing = folder.resolve("missing");
    FileException error = assertThrows(FileException.class, () -> SaeReader.read(missing));
    assertEquals("cannot read " + missing + ": no such file or folder", error.getMessage());
  }

  @Test
  void shouldRefuseGemmaScopeWhoseKindIsNotSaid() throws Exception {
    Path inside = Files.createDirectories(folder.resolve("layer_3_width_16k"));
    try (HostTensor wEnc = HostTensor.allocate(DType.F32, 2, 3)) {
      SafetensorsWriter.write(
          inside.resolve("params.safetensors"), Map.of("w_enc", wEnc.view()), Map.of());
    }
    InvalidDataException error =
        assertThrows(InvalidDataException.class, () -> SaeReader.read(inside).close());
    assertEquals(
        inside
            + ": there is no config.json, and the path does not say that it is an autoencoder"
            + " (resid_post, attn_out or mlp_out above the folder)",
        error.getMessage());
    AtomicFile.writeString(inside.resolve("config.json"), "{\"architecture\": \"topk\"}");
    error = assertThrows(InvalidDataException.class, () -> SaeReader.read(inside).close());
    assertEquals(
        inside + "/config.json: field 'architecture' is \"topk\"; jump_relu is needed",
        error.getMessage());
  }
}
