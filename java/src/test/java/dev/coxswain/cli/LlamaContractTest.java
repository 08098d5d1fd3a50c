package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.io.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that run a real model, as a user types them. */
@Tag("cli")
class LlamaContractTest {
  private static final String MODEL = "smollm2-135m-instruct";
  private static final String PLAN =
      "{\"rules\":[{\"op\":\"add\",\"features\":[3],\"strength\":{\"relative\":0.3}}]}";

  @TempDir static Path folder;

  /** Harvests and trains a little SAE that the tests share. */
  @BeforeAll
  static void prepare() {
    CoxProcess.Result got = CoxProcess.run(folder, "model", "get", MODEL);
    if (got.code() != 0) {
      System.out.println("SKIPPED: tests on a real model: " + got.err().strip());
      Assumptions.abort(got.err());
    }
    assertTrue(got.out().strip().endsWith(".gguf"), got.toString());
    Sample.text(
        folder.resolve("text.jsonl"),
        ("{\"text\":\""
                + "The school stands near the river and the old church. ".repeat(40)
                + "\"}\n")
            .repeat(2));
    run("harvest --threads 1 --layer 14 --text text.jsonl --out harvest --model " + MODEL);
    run("train --in harvest --features 64 --k 4 --steps 5 --out sae");
    Sample.text(folder.resolve("plan.json"), PLAN);
  }

  private static String run(String line) {
    return CoxProcess.run(folder, (Object[]) line.split(" ")).ok().out();
  }

  private static final String STEER =
      " --threads 1 --layer 14 --sae sae --plan plan.json --model " + MODEL;

  @Test
  void shouldWriteTheSameTextAgainAndAnotherWithThePlan() {
    String line = "generate --prompt Hello --max-tokens 8 --compare --json" + STEER;
    JsonNode first = Json.parse(run(line), line).get("generations").get(0);
    JsonNode again = Json.parse(run(line), line).get("generations").get(0);
    assertEquals("Hello", first.get("prompt").asText());
    for (String which : List.of("plain", "steered")) {
      assertEquals(first.get(which).get("text"), again.get(which).get("text"));
    }
    assertEquals(0, first.get("plain").get("steered_rows").asInt());
    assertTrue(first.get("steered").get("steered_rows").asInt() > 10, first.toString());
    String streamed = run("generate --prompt Hello --max-tokens 8 --threads 1 --model " + MODEL);
    assertEquals(first.get("plain").get("text").asText() + "\n", streamed);
  }

  @Test
  void shouldTuneAPlanToABudget() throws Exception {
    Sample.text(folder.resolve("prompts.txt"), "Where do you live?\n\nWhat is a river?\n");
    String line =
        "tune --prompts prompts.txt --max-kl 0.2 --reply-tokens 8 --words school,river"
            + " --out tuned.json --json"
            + STEER;
    JsonNode tuned = Json.parse(run(line), line);
    assertTrue(tuned.get("chosen").get("kl").asDouble() <= 0.2, tuned.toString());
    assertTrue(tuned.get("trials").size() >= 3, tuned.toString());
    assertTrue(tuned.get("trials").get(0).has("effect_nats"), tuned.toString());
    assertNotEquals(PLAN, Files.readString(folder.resolve("tuned.json")));
    run("steer --sae sae --plan tuned.json --in harvest --out y.safetensors");
  }

  @Test
  void shouldEmbedWordsByTheModel() throws Exception {
    Sample.text(folder.resolve("w.txt"), "school\nriver\nchurch\n");
    String template =
        "vocabulary --from template --layer 14 --words w.txt --threads 1 --out t.safetensors";
    assertEquals("3 words embedded, 0 dropped\n", run(template + " --model " + MODEL));
    String unembedding = "vocabulary --from unembedding --words w.txt --threads 1 --out u";
    assertEquals("3 words embedded, 0 dropped\n", run(unembedding + " --model " + MODEL));
    run("explain --sae sae --vocabulary t.safetensors --top 2 --out e.jsonl");
    String evaluate =
        "evaluate-explanations --sae sae --explanations e.jsonl --in harvest --json"
            + " --effect-features 2 --threads 1 --model ";
    JsonNode quality = Json.parse(run(evaluate + MODEL), evaluate);
    assertTrue(quality.get("effect_median_nats").isNumber(), quality.toString());
    assertTrue(quality.get("effect_random_words_nats").isNumber(), quality.toString());
  }

  @Test
  void shouldEndEveryErrorWithOneLineAndWriteNothing() {
    Map<String, Long> before = Sample.files(folder);
    String model = " --model " + MODEL;
    fails(2, "harvest --layer 30 --text text.jsonl --out h2" + model, "layer 30: the model has 30");
    fails(
        2, "harvest --layer 29 --text text.jsonl --out h2" + model, "layer 29 is the model's last");
    fails(1, "harvest --layer 14 --text none.txt --out h2" + model, "no such file");
    fails(1, "harvest --layer 14 --text text.jsonl --out h2 --model none.gguf", "none.gguf");
    fails(1, "harvest --layer 14 --text text.jsonl --out h2 --model text.jsonl", "not a model");
    fails(
        2, "harvest --layer 14 --text text.jsonl --out h2 --max-tokens 0" + model, "--max-tokens");
    fails(2, "harvest --layer 14 --text text.jsonl --out h2 --threads 0" + model, "--threads");
    fails(2, "generate --prompt Hi --compare" + model, "--compare needs a plan");
    fails(2, "generate --prompt Hi --plan plan.json --sae sae" + model, "--layer is missing");
    fails(2, "generate --prompt Hi --temperature -1" + model, "--temperature");
    fails(1, "generate --prompt Hi --device cuda" + model, "cuda");
    fails(1, "tune --prompts none.txt --out p2.json" + STEER, "none.txt");
    fails(2, "tune --prompts text.jsonl --max-kl 0 --out p2.json" + STEER, "--max-kl");
    fails(2, "vocabulary --from template --out v --words w.txt" + model, "needs");
    fails(2, "model get nothing", "unknown name 'nothing'");
    assertEquals(before, Sample.files(folder));
    assertFalse(Files.exists(folder.resolve("h2/harvest.json")));
  }

  private void fails(int code, String line, String part) {
    String error = CoxProcess.run(folder, (Object[]) line.split(" ")).oneErrorLine(code);
    assertTrue(error.contains(part), line + "\n" + error);
  }
}
