package dev.coxswain.sae;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.coxswain.error.CoxswainException;
import dev.coxswain.explain.Explanation;
import dev.coxswain.io.Harvest;
import dev.coxswain.io.HarvestInfo;
import dev.coxswain.io.HarvestWriter;
import dev.coxswain.io.JsonLines;
import dev.coxswain.io.SafetensorsFile;
import dev.coxswain.steer.Plan;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.testing.ForeignSaes;
import dev.coxswain.testing.Mutations;
import dev.coxswain.testing.Seeds;
import dev.coxswain.testing.SmallSae;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged files of every kind that is read: each is read, or refused in one line. */
class ReaderFuzzTest {
  private static final int FILES = 20_000;
  private static final long SEED = Seeds.next("ReaderFuzzTest");

  /** A file that is damaged, and what then reads it. */
  private record Target(Path file, byte[] original, Runnable read) {}

  @TempDir Path folder;
  private final List<Target> targets = new ArrayList<>();
  private int accepted;
  private int refused;

  @BeforeEach
  void writeOneOfEveryKind() throws Exception {
    try (SparseAutoencoder topK = SmallSae.topK(1);
        SparseAutoencoder jump = SmallSae.jumpRelu(1)) {
      Path saeLens = folder.resolve("saelens");
      SaeWriter.writeSaeLens(topK, saeLens, Optional.empty(), DType.BF16);
      addSae(saeLens, "cfg.json", "sae_weights.safetensors");
      Path jumpRelu = folder.resolve("jumprelu");
      SaeWriter.writeSaeLens(jump, jumpRelu, Optional.empty());
      addSae(jumpRelu, "cfg.json", "sae_weights.safetensors");
      Path sparsify = folder.resolve("sparsify");
      SaeWriter.writeSparsify(topK, sparsify, DType.F16);
      addSae(sparsify, "cfg.json", "sae.safetensors");
    }
    addOlderSaeLens();
    addGemmaAndLlama();
    addHarvest();
    addText("plan.json", PLAN, file -> Plan.read(file));
    addText("e.jsonl", EXPLANATIONS, file -> Explanation.readAll(file));
    addText("any.jsonl", EXPLANATIONS, file -> JsonLines.read(file, line -> {}));
    Path tensors = folder.resolve("jumprelu/sae_weights.safetensors");
    add(tensors, () -> readAll(tensors));
  }

  private static final String PLAN =
      "{\"read\":\"encoder\",\"positions\":\"prompt\",\"bos\":false,"
          + "\"when\":{\"features\":[7],\"threshold\":0.1},"
          + "\"rules\":[{\"op\":\"amplify\",\"features\":[3,5],\"alpha\":1.5},"
          + "{\"op\":\"calibrate\",\"features\":[3,5],\"beta\":{\"relative\":0.33}},"
          + "{\"op\":\"vector\",\"file\":\"v.safetensors\",\"tensor\":\"e\",\"row\":17,"
          + "\"strength\":2.0}]}";

  private static final String EXPLANATIONS =
      "{\"feature\":0,\"words\":[{\"word\":\"car\",\"score\":0.0123,\"p_w_given_c\":0.02,"
          + "\"log_p_c_given_w\":-7.1}]}\n{\"feature\":1,\"words\":[]}\n";

  private void addOlderSaeLens() throws IOException {
    Path older = Files.createDirectories(folder.resolve("older"));
    Files.copy(
        folder.resolve("saelens/sae_weights.safetensors"),
        older.resolve("sae_weights.safetensors"));
    Files.writeString(
        older.resolve("cfg.json"),
        "{\"d_in\":7,\"d_sae\":12,\"activation_fn_str\":\"topk\",\"activation_fn_kwargs\":{\"k\":3},"
            + "\"apply_b_dec_to_input\":true,\"normalize_activations\":true,"
            + "\"hook_point\":\"blocks.3.hook_resid_post\",\"dtype\":\"torch.float32\","
            + "\"finetuning_scaling_factor\":false,\"sae_lens_training_version\":\"x\"}");
    Files.writeString(
        older.resolve("activation_scaler.json"),
        "{\"scaling_factor\":0.5,\"has_whitening\":false}");
    addSae(older, "cfg.json", "activation_scaler.json");
  }

  private void addGemmaAndLlama() throws IOException {
    Path stored = Files.createDirectories(folder.resolve("layer_5/width_16k"));
    ForeignSaes.writeGemmaScope(stored.resolve("params.npz"), false);
    addSae(stored, "params.npz");
    Path deflated = Files.createDirectories(folder.resolve("layer_6/width_16k"));
    ForeignSaes.writeGemmaScope(deflated.resolve("params.npz"), true);
    addSae(deflated, "params.npz");
    Path llama = Files.createDirectories(folder.resolve("llama/checkpoints")).getParent();
    ForeignSaes.writeLlamaScope(llama);
    addSae(llama, "hyperparams.json", "checkpoints/final.safetensors");
    Path gemma2 = Files.createDirectories(folder.resolve("resid_post/layer_1"));
    ForeignSaes.writeGemmaScope2(gemma2);
    addSae(gemma2, "config.json", "params.safetensors");
  }

  private void addHarvest() throws IOException {
    Path harvest = folder.resolve("harvest");
    HarvestInfo info = HarvestInfo.begin("m", "00", 1, 3, List.of("a", "b"));
    try (HarvestWriter writer = HarvestWriter.create(harvest, info, DType.F16);
        HostTensor x = HostTensor.allocate(DType.F16, 4, 3)) {
      writer.append(x.view(), new int[4], new int[] {0, 1, 2, 3}, new long[4]);
      writer.finish();
    }
    for (String name : List.of("harvest.json", "00000.safetensors")) {
      add(harvest.resolve(name), () -> readHarvest(harvest));
    }
  }

  private static void readHarvest(Path path) {
    try (Harvest harvest = Harvest.open(path)) {
      harvest.skip(0, harvest.rows());
      harvest.documents(0, harvest.rows());
    }
  }

  private static void readAll(Path path) {
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      file.tensors().keySet().forEach(name -> file.readBytes(name).close());
      file.tensors().keySet().forEach(name -> file.readFloats(name).close());
    }
  }

  private void addSae(Path sae, String... files) throws IOException {
    for (String file : files) {
      add(sae.resolve(file), () -> SaeReader.read(sae).close());
      add(sae.resolve(file), () -> SaeInspector.inspect(sae));
    }
  }

  private void addText(String name, String text, Consumer<Path> read) throws IOException {
    Path file = folder.resolve(name);
    Files.writeString(file, text);
    add(file, () -> read.accept(file));
  }

  private void add(Path file, Runnable read) throws IOException {
    read.run(); // what is undamaged must be read
    targets.add(new Target(file, Files.readAllBytes(file), read));
  }

  @Test
  void shouldReadOrRefuseEveryDamagedFile() throws IOException {
    for (int i = 0; i < FILES; i++) {
      Target target = targets.get(i % targets.size());
      byte[] damaged = new Mutations(SEED + i).of(target.original());
      Files.write(target.file(), damaged);
      judge(target, i, damaged);
      Files.write(target.file(), target.original());
    }
    System.out.println("ReaderFuzzTest: " + accepted + " read, " + refused + " refused");
    assertEquals(FILES, accepted + refused);
    assertTrue(accepted > FILES / 100 && refused > FILES / 10, "the damage is of the right size");
  }

  private void judge(Target target, int number, byte[] damaged) throws IOException {
    try {
      target.read().run();
      accepted++;
    } catch (CoxswainException e) {
      refused++;
      assertEquals(1, e.getMessage().lines().count(), () -> "file " + number + ": " + e);
      assertTrue(e.getMessage().length() < 2000, () -> "file " + number + ": " + e);
    } catch (Throwable e) {
      Path kept = Path.of("target", "fuzz-" + number + "-" + target.file().getFileName());
      Files.write(kept, damaged);
      fail("-Dcox.seed=" + SEED + ", file " + number + " (" + kept + ") ended in " + e, e);
    }
  }
}
