package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.cli.CoxProcess.Result;
import dev.coxswain.io.Json;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --json} prints one JSON object and nothing else, with the fields that are promised. */
@Tag("cli")
class JsonContractTest {
  @TempDir Path folder;

  @BeforeEach
  void writeSample() {
    Sample.write(folder);
  }

  private JsonNode json(String line) {
    Result result = CoxProcess.run(folder, (Object[]) (line + " --json").split(" ")).ok();
    assertEquals("", result.err());
    assertEquals(1, result.out().lines().count(), result::toString);
    JsonNode object = Json.parse(result.out(), line);
    assertTrue(object.isObject(), result::toString);
    return object;
  }

  private static void assertFields(JsonNode object, String... names) {
    List.of(names).forEach(name -> assertTrue(object.has(name), () -> name + " in " + object));
  }

  @Test
  void shouldSayWhatCanCompute() {
    JsonNode devices = json("devices --threads 3");
    assertEquals(3, devices.at("/cpu/threads").asInt());
    assertTrue(
        List.of("portable", "avx2", "avx512").contains(devices.at("/cpu/instruction_set").asText()),
        devices::toString);
    assertEquals(false, devices.at("/cuda/usable").asBoolean(true));
    assertFields(devices.get("cuda"), "reason");
  }

  @Test
  void shouldDescribeAnSae() {
    JsonNode sae = json("inspect sae");
    assertEquals("saelens", sae.get("format").asText());
    assertEquals(Sample.D, sae.get("d_model").asInt());
    assertEquals(Sample.F, sae.get("n_features").asInt());
    assertEquals(Sample.K, sae.get("k").asInt());
    assertEquals("F32", sae.at("/tensors/W_enc/dtype").asText());
    assertFields(sae, "architecture", "dtype", "apply_b_dec_to_input");
  }

  @Test
  void shouldDescribeAnyTensorFile() {
    JsonNode file = json("inspect x.safetensors");
    assertEquals("[5,8]", file.at("/tensors/x/shape").toString());
  }

  @Test
  void shouldEvaluate() {
    JsonNode figures = json("evaluate --sae sae --in x.safetensors");
    assertFields(figures, "fvu", "explained_variance", "l0", "dead_fraction", "normalized_l2");
    assertEquals(Sample.N, figures.get("rows").asInt());
    assertEquals(0, figures.get("non_finite_rows").asInt());
  }

  @Test
  void shouldCountSteeredRows() {
    JsonNode report =
        json("steer --sae sae --plan plan.json --in x.safetensors --out y.safetensors");
    assertEquals(Sample.N, report.get("steered").asInt());
  }

  @Test
  void shouldTrainAndReport() {
    Result result =
        CoxProcess.run(
                folder,
                (Object[])
                    "train --in x.safetensors --features 8 --k 2 --steps 3 --out t --json"
                        .split(" "))
            .ok();
    assertTrue(Json.parse(result.out(), "train").isObject());
  }

  @Test
  void shouldMeasureExplanations() {
    CoxProcess.run(
            folder,
            (Object[])
                "explain --sae sae --vocabulary v.safetensors --out e.jsonl --top 2".split(" "))
        .ok();
    JsonNode figures = json("evaluate-explanations --sae sae --explanations e.jsonl --in harvest");
    assertTrue(figures.size() > 0, figures::toString);
  }

  @Test
  void shouldAcceptInputWithoutRows() {
    JsonNode encoded = json("encode --sae sae --in empty.safetensors --out a.safetensors");
    assertEquals(0, encoded.get("rows").asInt());
    String decode = "decode --sae sae --in a.safetensors --out y.safetensors";
    CoxProcess.run(folder, (Object[]) decode.split(" ")).ok();
    assertEquals("[0,8]", json("inspect y.safetensors").at("/tensors/x/shape").toString());
    json("steer --sae sae --plan plan.json --in empty.safetensors --out z.safetensors");
    assertEquals("[0,8]", json("inspect z.safetensors").at("/tensors/x/shape").toString());
  }
}
