package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.backend.Backend;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.explain.ExplainSettings;
import dev.coxswain.explain.Explainer;
import dev.coxswain.explain.Explanation;
import dev.coxswain.explain.Vocabulary;
import dev.coxswain.io.Json;
import dev.coxswain.io.JsonLines;
import dev.coxswain.io.SafetensorsFile;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.sae.SaeReader;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.steer.CompiledPlan;
import dev.coxswain.steer.Plan;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.testing.Floats;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a harvest to words, from words to features, and steering, as a user types it. */
@Tag("cli")
class ExplainSteerContractTest {
  @TempDir Path folder;

  @BeforeEach
  void writeSample() {
    Sample.write(folder);
  }

  private String run(String line) {
    return CoxProcess.run(folder, (Object[]) line.split(" ")).ok().out();
  }

  @Test
  void shouldGoFromAHarvestToFeaturesByWord() throws Exception {
    assertEquals(
        "4 words embedded, 0 dropped\n",
        run("vocabulary --from contexts --in harvest --min-count 2 --out w.safetensors"));
    assertEquals(4, Files.readAllLines(folder.resolve("w.words.txt")).size());
    assertEquals("", Files.readString(folder.resolve("w.dropped.txt")));
    run("explain --sae sae --vocabulary w.safetensors --top 3 --out e.jsonl");
    List<Explanation> explained = Explanation.readAll(folder.resolve("e.jsonl"));
    assertEquals(expected(), explained);

    String word = explained.get(7).words().get(0).word();
    JsonNode found = json("find --explanations e.jsonl --json --top 99 " + word);
    List<Integer> features = new ArrayList<>();
    found.path("features").forEach(match -> features.add(match.path("feature").intValue()));
    assertTrue(features.contains(7), found.toString());

    JsonNode quality =
        json("evaluate-explanations --sae sae --explanations e.jsonl --in harvest --json");
    assertEquals(Sample.F, quality.path("features").intValue());
    assertEquals(4, quality.path("vocabulary").intValue());
    assertTrue(quality.path("lift_median").isNumber(), quality.toString());

    run("contexts --sae sae --in harvest --top 2 --out c.jsonl");
    List<JsonNode> contexts = new ArrayList<>();
    JsonLines.read(folder.resolve("c.jsonl"), line -> contexts.add(line));
    assertEquals(Sample.F, contexts.size());
    JsonNode context = contexts.get(explained.get(0).feature()).path("contexts");
    assertTrue(context.size() <= 2, context.toString());
  }

  private List<Explanation> expected() {
    Path v = folder.resolve("w.safetensors");
    try (Backend backend = CpuBackend.open(1);
        SparseAutoencoder sae = SaeReader.read(folder.resolve("sae"));
        Vocabulary vocabulary = Vocabulary.read(v, Vocabulary.wordsFile(v))) {
      return new Explainer(backend).explain(sae, vocabulary, ExplainSettings.DEFAULT.withTop(3));
    }
  }

  private JsonNode json(String line) {
    return Json.parse(run(line), line);
  }

  @Test
  void shouldSteerRowsOfEveryTypeInTheirOwnType() {
    for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16)) {
      float[] values = new float[3 * Sample.D];
      for (int i = 0; i < values.length; i++) {
        values[i] = i % 7 - 2.5f;
      }
      values[Sample.D] = Float.NaN;
      Path in = folder.resolve("rows.safetensors");
      try (HostTensor x = Floats.tensor(dtype, values, 3, Sample.D)) {
        SafetensorsWriter.write(in, Map.of("h", x.view()), Map.of());
        JsonNode report =
            json("steer --sae sae --plan plan.json --in rows.safetensors:h --out y --json");
        assertEquals(
            "{\"rows\":3,\"steered\":2,\"gated_off\":0,\"non_finite_rows\":1,\"saturated\":0}",
            report.toString());
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("y"));
            HostTensor y = file.read("x")) {
          assertEquals(dtype, y.dtype());
          assertArrayEquals(steered(x), Floats.of(y.view()), dtype.toString());
        }
      }
    }
  }

  private float[] steered(HostTensor x) {
    try (Backend backend = CpuBackend.open(1);
        SparseAutoencoder sae = SaeReader.read(folder.resolve("sae"));
        CompiledPlan plan =
            CompiledPlan.compile(Plan.read(folder.resolve("plan.json")), sae, backend, folder)) {
      long address = x.view().address();
      long stride = (long) Sample.D * x.dtype().bytes();
      plan.kernel().apply(address, stride, address, stride, 3, x.dtype(), 0, 0);
      return Floats.of(x.view());
    }
  }

  @Test
  void shouldSteerNoRowsAndAHarvest() {
    assertEquals(
        "0 of 0 rows steered\n",
        run("steer --sae sae --plan plan.json --in empty.safetensors --out y.safetensors"));
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("y.safetensors"))) {
      assertTrue(file.entry("x").shape().is(0, Sample.D));
    }
    assertEquals(
        Sample.TOKENS + " of " + Sample.TOKENS + " rows steered\n",
        run("steer --sae sae --plan plan.json --in harvest --out z.safetensors"));
  }
}
