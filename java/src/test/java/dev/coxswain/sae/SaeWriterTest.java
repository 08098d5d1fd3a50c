package dev.coxswain.sae;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.Json;
import dev.coxswain.io.SafetensorsFile;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Floats;
import dev.coxswain.testing.Seeds;
import dev.coxswain.testing.SmallSae;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SaeWriterTest {
  private static final long SEED = Seeds.next("SaeWriterTest");

  @TempDir Path folder;

  @Test
  void shouldReadBackTheSameBitsFromSaeLens() {
    for (SparseAutoencoder sae :
        List.of(SmallSae.topK(SEED), SmallSae.relu(SEED), SmallSae.jumpRelu(SEED))) {
      try (sae) {
        SaeWriter.writeSaeLens(sae, folder, Optional.empty());
        try (SparseAutoencoder read = SaeReader.read(folder)) {
          assertSame(sae, read);
        }
      }
    }
  }

  @Test
  void shouldReadBackTheSameBitsFromSparsify() {
    try (SparseAutoencoder sae = SmallSae.topK(SEED)) {
      SaeWriter.writeSparsify(sae, folder);
      try (SparseAutoencoder read = SaeReader.read(folder)) {
        assertSame(sae, read);
      }
    }
  }

  private static void assertSame(SparseAutoencoder sae, SparseAutoencoder read) {
    assertBits(sae.wEnc(), read.wEnc());
    assertBits(sae.bEnc(), read.bEnc());
    assertBits(sae.wDec(), read.wDec());
    assertBits(sae.bDec(), read.bDec());
    assertEquals(sae.threshold().isPresent(), read.threshold().isPresent());
    sae.threshold().ifPresent(theta -> assertBits(theta, read.threshold().get()));
    assertEquals(sae.activation(), read.activation());
    assertEquals(sae.k(), read.k());
    assertEquals(sae.subtractsBDec(), read.subtractsBDec());
    assertEquals(sae.normalization(), read.normalization());
    assertEquals(sae.metadata(), read.metadata());
    assertEquals(Optional.of(24.25), read.meanNorm());
  }

  private static void assertBits(TensorView expected, TensorView view) {
    assertEquals(expected.shape(), view.shape());
    assertArrayEquals(Floats.of(expected), Floats.of(view));
  }

  @Test
  void shouldRoundToNearestWhenWritingSixteenBits() {
    try (SparseAutoencoder sae = SmallSae.jumpRelu(SEED);
        SparseAutoencoder topK = SmallSae.topK(SEED)) {
      for (DType dtype : List.of(DType.F16, DType.BF16)) {
        SaeWriter.writeSaeLens(sae, folder.resolve("saelens"), Optional.empty(), dtype);
        SaeWriter.writeSparsify(topK, folder.resolve("sparsify"), dtype);
        try (SparseAutoencoder read = SaeReader.read(folder.resolve("saelens"));
            SparseAutoencoder readTopK = SaeReader.read(folder.resolve("sparsify"))) {
          assertRounded(dtype, sae.wEnc(), read.wEnc());
          assertRounded(dtype, topK.wDec(), readTopK.wDec());
          assertBits(sae.threshold().get(), read.threshold().get());
        }
      }
    }
  }

  private static void assertRounded(DType dtype, TensorView exact, TensorView read) {
    float[] rounded = Floats.of(exact);
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = Floats.round(dtype, rounded[i]);
    }
    assertArrayEquals(rounded, Floats.of(read));
  }

  @Test
  void shouldWriteTheConfigurationThatSaeLensReadsAsVersionSix() throws Exception {
    try (SparseAutoencoder sae = SmallSae.topK(SEED)) {
      SaeWriter.writeSaeLens(sae, folder, Optional.of(new float[SmallSae.FEATURES]));
      JsonNode cfg = Json.read(folder.resolve("cfg.json"));
      assertEquals(
          Json.parse(
              "{\"architecture\":\"topk\",\"d_in\":7,\"d_sae\":12,\"dtype\":\"float32\","
                  + "\"device\":\"cpu\",\"apply_b_dec_to_input\":true,"
                  + "\"normalize_activations\":\"none\",\"reshape_activations\":\"none\",\"k\":3,"
                  + "\"rescale_acts_by_decoder_norm\":false,"
                  + "\"metadata\":{\"sae_lens_version\":\"6.0.0\",\"context_size\":128,"
                  + "\"coxswain\":{\"layer\":3,\"mean_norm\":24.25,\"model_sha256\":\"00e1\"},"
                  + "\"hook_name\":\"blocks.3.hook_resid_post\",\"neuronpedia_id\":null}}",
              "expected"),
          cfg);
      Path sparsity = folder.resolve("sparsity.safetensors");
      try (SafetensorsFile file = SafetensorsFile.open(sparsity);
          HostTensor read = file.read("sparsity")) {
        assertEquals(SmallSae.FEATURES, read.toFloats().length);
      }
      SaeWriter.writeSaeLens(sae, folder, Optional.empty());
      assertFalse(Files.exists(sparsity), "a sparsity file of older weights must not stay");
    }
  }

  @Test
  void shouldRefuseWhatSparsifyHasNoWordsFor() {
    try (SparseAutoencoder relu = SmallSae.relu(SEED);
        SparseAutoencoder jump = SmallSae.jumpRelu(SEED)) {
      for (SparseAutoencoder sae : List.of(relu, jump)) {
        InvalidDataException error =
            assertThrows(InvalidDataException.class, () -> SaeWriter.writeSparsify(sae, folder));
        assertEquals(
            "sparsify knows only Top-K; this SAE's activation is " + sae.activation(),
            error.getMessage());
      }
      assertFalse(Files.exists(folder.resolve("sae.safetensors")));
      assertThrows(
          UsageException.class,
          () -> SaeWriter.writeSaeLens(relu, folder, Optional.empty(), DType.F64));
    }
  }

  @Test
  void shouldWriteNothingThatOverflows() {
    try (SparseAutoencoder sae = SmallSae.topK(SEED)) {
      dev.coxswain.tensor.HostMemory.putFloat(sae.bEnc().address(), 65520f);
      InvalidDataException error =
          assertThrows(
              InvalidDataException.class,
              () -> SaeWriter.writeSaeLens(sae, folder, Optional.empty(), DType.F16));
      assertEquals("b_enc holds 65520.0, beyond F16's largest 65504.0", error.getMessage());
      assertTrue(Files.notExists(folder.resolve("sae_weights.safetensors")));
    }
  }
}
